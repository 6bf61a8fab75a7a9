# Sourced by up: the node, with its own containerd, its own network and its own cgroup; Docker's stay as they are.
# shellcheck shell=bash disable=SC2154 # the variables are those of _env.sh

# shellcheck disable=SC2034 # the variables are used by the templates
write_configuration() {
  local cni_plugins=/usr/lib/cni pause_image # Debian's place; others unpack them into the second
  [[ -x $cni_plugins/ptp ]] || cni_plugins=/opt/cni/bin
  pause_image=docker.io/$(system_image pause)
  mkdir -p "$config/network"
  fill "$here/node/containerd.toml" "$config/containerd.toml"
  fill "$here/node/network.conflist" "$config/network/10-twinpin.conflist"
  fill "$here/node/kubelet.yaml" "$config/kubelet.yaml"
  fill "$here/node/proxy.yaml" "$config/proxy.yaml"
  fill "$here/node/masquerade.nft" "$config/masquerade.nft"
}

# The kubelet does not make the cgroup that it is told to use. With cgroup v1 there is one hierarchy for each controller.
make_cgroups() {
  local hierarchy
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
    mkdir -p "/sys/fs/cgroup/$cgroup"
    sed 's/[^ ]*/+&/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
    return
  fi
  for hierarchy in /sys/fs/cgroup/*/; do
    if [[ -e ${hierarchy}tasks ]]; then mkdir -p "$hierarchy$cgroup"; fi
  done
}

# Docker drops what is forwarded and not its own.
open_network() {
  local direction
  # The first `ip netns add` makes this folder a mount of its own: done over the pods' mounts, none could be removed again.
  mountpoint -q /run/netns || { ip netns add "$node"; ip netns delete "$node"; }
  sysctl -qw net.ipv4.ip_forward=1
  nft list table ip "$nft_table" >/dev/null 2>&1 || nft -f "$config/masquerade.nft"
  for direction in --source --destination; do
    iptables -C FORWARD "$direction" "$pod_cidr" -j ACCEPT 2>/dev/null || iptables -I FORWARD "$direction" "$pod_cidr" -j ACCEPT
  done
}

node() {
  write_configuration
  make_cgroups
  open_network
  mkdir -p "$data" "$run"
  start containerd "$(command -v containerd)" --config "$config/containerd.toml"
  wait_until 30 containerd in_containerd version
  start kube-proxy "$bin/kube-proxy" --config="$config/proxy.yaml"
  start kubelet "$bin/kubelet" --config="$config/kubelet.yaml" --kubeconfig="$config/kubelet.kubeconfig" \
    --root-dir="$data/kubelet" --hostname-override="$node" --node-ip="$node_ip"
  wait_until 90 "the node" kubectl get node "$node"
  kubectl wait --for=condition=Ready "node/$node" --timeout=90s >/dev/null
}
