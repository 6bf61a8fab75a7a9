# Sourced by the scripts beside it: the names, folders and addresses of the cluster, all of them its own.
# shellcheck shell=bash

# shellcheck source=hack/_env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../_env.sh"
# shellcheck source=hack/versions
source "$root/hack/versions"

here=$root/hack/cluster
state=$cache/cluster             # kubeconfig, keys, configuration, logs, process ids
data=/var/lib/twinpin-cluster    # etcd, images, pods, volumes: what --wipe removes
run=/run/twinpin-cluster         # sockets
# Builds are kept apart by what goes into them.
bin=$cache/cluster/bin/$(cat "$here"/go/go.{mod,sum} "$here"/go/*/main.go - <<<"$KUBERNETES_VERSION $METRICS_SERVER_VERSION $KSERVE_VERSION $KEDA_VERSION" |
  cksum | cut -d' ' -f1)
containerd_socket=$run/containerd.sock
# shellcheck disable=SC2034 # used by the scripts that source this file, and in their templates
{
  kubeconfig=$state/kubeconfig
  pki=$state/pki
  config=$state/config
  logs=$state/logs
  node=twinpin
  cgroup=twinpin-cluster
  nft_table=twinpin-cluster
  cluster_domain=cluster.local
  node_link=twinpin-node # a bridge without ports: the node's address lives on it, and nothing outside reaches it
  node_ip=172.30.255.1
  pod_cidr=10.244.0.0/24
  service_cidr=10.96.0.0/16
  api_service_ip=10.96.0.1
  dns_service_ip=10.96.0.10
  # Ports of the machine; none of them a default, so that another cluster may run beside this one.
  api_port=16443
  etcd_port=12379
  etcd_peer_port=12380
  kubelet_port=20250
  kubelet_health_port=20248
  proxy_health_port=20256
  proxy_metrics_port=20249
  controller_manager_port=20257
  scheduler_port=20259
}

as_root() { [[ $(id -u) == 0 ]] || die "${0##*/} needs root: it makes links, mounts and cgroups. Run it with sudo -E."; }

# wait_until SECONDS WHAT COMMAND...: until the command succeeds; says after SECONDS what did not come.
wait_until() {
  local limit=$((SECONDS + $1)) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= limit)); then
      "$@" >&2 || die "$what did not come; see the logs in $logs"
    fi
    sleep 0.3
  done
}

in_containerd() { ctr --address "$containerd_socket" --namespace k8s.io "$@"; }

# An image of a program of ours never carries the name of a published one, and a new build has a new name.
system_image() { echo "twinpin-cluster/$1:${bin##*/}"; }

# fill TEMPLATE TARGET: each @name@ of the template becomes the value of the variable of that name.
fill() {
  local text name
  text=$(<"$1")
  while [[ $text =~ @([a-z_]+)@ ]]; do
    name=${BASH_REMATCH[1]}
    text=${text//@$name@/${!name}}
  done
  printf '%s\n' "$text" >"$2"
}
