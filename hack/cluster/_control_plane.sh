# Sourced by up: etcd, the API server, the controllers and the scheduler, as processes of the machine.
# shellcheck shell=bash disable=SC2154 # the variables are those of _env.sh

# Of an HPA the field behavior.scaleUp.tolerance is still behind a gate.
GATES=HPAConfigurableTolerance=true

start_etcd() {
  start etcd "$bin/etcd" --name "$node" --data-dir "$data/etcd" --unsafe-no-fsync \
    --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
    --listen-peer-urls "http://127.0.0.1:$etcd_peer_port" --initial-advertise-peer-urls "http://127.0.0.1:$etcd_peer_port" \
    --initial-cluster "$node=http://127.0.0.1:$etcd_peer_port"
}

# It listens at the node's address alone, which pods and this machine reach.
start_api_server() {
  start kube-apiserver "$bin/kube-apiserver" --etcd-servers="http://127.0.0.1:$etcd_port" \
    --bind-address="$node_ip" --advertise-address="$node_ip" --secure-port="$api_port" \
    --service-cluster-ip-range="$service_cidr" --allow-privileged=true --feature-gates="$GATES" --profiling=false \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
    --service-account-issuer="https://kubernetes.default.svc.$cluster_domain" \
    --service-account-key-file="$pki/accounts.pub" --service-account-signing-key-file="$pki/accounts.key" \
    --kubelet-preferred-address-types=InternalIP --kubelet-certificate-authority="$pki/ca.crt" \
    --kubelet-client-certificate="$pki/apiserver-to-kubelet.crt" --kubelet-client-key="$pki/apiserver-to-kubelet.key" \
    --requestheader-client-ca-file="$pki/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --proxy-client-cert-file="$pki/front-proxy.crt" --proxy-client-key-file="$pki/front-proxy.key"
}

start_controllers() {
  local as=$config/controller-manager.kubeconfig
  start kube-controller-manager "$bin/kube-controller-manager" --kubeconfig="$as" \
    --authentication-kubeconfig="$as" --authorization-kubeconfig="$as" \
    --bind-address=127.0.0.1 --secure-port="$controller_manager_port" --leader-elect=false --profiling=false \
    --root-ca-file="$pki/ca.crt" --service-account-private-key-file="$pki/accounts.key" --use-service-account-credentials=true \
    --feature-gates="$GATES"
}

start_scheduler() {
  local as=$config/scheduler.kubeconfig
  start kube-scheduler "$bin/kube-scheduler" --kubeconfig="$as" --authentication-kubeconfig="$as" --authorization-kubeconfig="$as" \
    --bind-address=127.0.0.1 --secure-port="$scheduler_port" --leader-elect=false --profiling=false
}

# The route to Services is one for the machine itself, which may have no other, offline.
node_address() {
  ip link show "$node_link" >/dev/null 2>&1 || ip link add "$node_link" type bridge
  ip address replace "$node_ip/32" dev "$node_link"
  ip link set "$node_link" up
  ip route replace "$service_cidr" dev "$node_link"
}

control_plane() {
  node_address
  start_etcd
  start_api_server
  wait_until 90 "the API server" kubectl get --raw=/readyz
  start_controllers
  start_scheduler
  wait_until 60 "the service account that the controllers make" kubectl --namespace default get serviceaccount default
}
