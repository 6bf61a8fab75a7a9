# Sourced by up: what runs in the cluster from the start, and the definitions of objects that have no controller here.
# shellcheck shell=bash disable=SC2154 # the variables are those of _env.sh

# apply FILE...
apply() { kubectl apply --server-side --force-conflicts "${@/#/--filename=}" >/dev/null; }

# overlay NAME UPSTREAM: the overlay objects/NAME, filled in, on its project's own manifests.
overlay() {
  mkdir -p "$config/$1"
  ln -sfn "$2" "$config/$1/upstream"
  fill "$here/objects/$1/kustomization.yaml" "$config/$1/kustomization.yaml"
  kubectl kustomize "$config/$1" >"$config/$1.yaml" 2>"$config/$1.warnings" || die "$(cat "$config/$1.warnings")"
}

kserve_source() { echo "$(module_folder github.com/kserve/kserve "$KSERVE_VERSION")/config"; }

# Of the objects of Gateway API and of the Prometheus operator there are the definitions alone: the API server checks
# such objects, and nobody acts on them.
definitions() {
  local gateway prometheus
  kubectl kustomize "$(kserve_source)/crd" >"$config/kserve-definitions.yaml"
  gateway=$(module_folder sigs.k8s.io/gateway-api "$GATEWAY_API_VERSION")/config/crd/standard/gateway.networking.k8s.io
  prometheus=$(module_folder github.com/prometheus-operator/prometheus-operator "$PROMETHEUS_OPERATOR_VERSION")
  prometheus+=/example/prometheus-operator-crd/monitoring.coreos.com
  apply "$config/kserve-definitions.yaml" \
    "$gateway"_{gatewayclasses,gateways,httproutes,grpcroutes}.yaml \
    "$prometheus"_{servicemonitors,podmonitors,prometheusrules}.yaml
  wait_until 60 "the definitions" kubectl wait --for=condition=Established customresourcedefinition --all --timeout=10s
}

names_and_metrics() {
  local coredns_image metrics_server_image
  coredns_image=$(system_image coredns)
  metrics_server_image=$(system_image metrics-server)
  fill "$here/objects/coredns.yaml" "$config/coredns.yaml"
  apply "$config/coredns.yaml"
  overlay metrics-server "$(module_folder sigs.k8s.io/metrics-server "$METRICS_SERVER_VERSION")/manifests/base"
  apply "$config/metrics-server.yaml"
}

# certificate_of NAME OVERLAY: lays it beside an overlay, by the names that its Secret has.
certificate_of() {
  local file
  mkdir -p "$config/$2"
  for file in "tls.crt:$1.crt" "tls.key:$1.key" ca.crt:ca.crt; do cp "$pki/${file#*:}" "$config/$2/${file%:*}"; done
}

# shellcheck disable=SC2034 # the variables are used by the overlay
keda() {
  local keda_image keda_adapter_image
  keda_image=$(system_image keda)
  keda_adapter_image=$(system_image keda-adapter)
  certificate_of keda keda
  overlay keda "$(module_folder github.com/kedacore/keda/v2 "$KEDA_VERSION")/config/minimal"
  apply "$config/keda.yaml"
}

kserve() {
  local kserve_manager_image kserve_router_image
  kserve_manager_image=$(system_image kserve-manager)
  kserve_router_image=$(system_image kserve-router)
  certificate_of webhook kserve
  overlay kserve "$(kserve_source)/overlays/standalone/kserve"
  apply "$config/kserve.yaml"
  kubectl --namespace kserve rollout status deployment/kserve-controller-manager --timeout=180s >/dev/null
  # A Service is live a second after its pod, and of a cluster that was up before the rollout is long done while its pods
  # still start: the webhook itself tells when KServe takes objects.
  wait_until 180 "KServe's webhook" kubectl create --dry-run=server --filename "$here/objects/probe.yaml"
}
