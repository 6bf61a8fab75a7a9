{{/* Checks: what a schema cannot say, in sentences that say what to change. Included once, by checks.yaml. */}}

{{- define "twinpin.checks" -}}
{{- include "twinpin.checkCluster" . -}}
{{- include "twinpin.checkNames" . -}}
{{- include "twinpin.checkPair" . -}}
{{- include "twinpin.checkFeatures" . -}}
{{- include "twinpin.checkTimeouts" . -}}
{{- include "twinpin.checkOptions" . -}}
{{- include "twinpin.checkController" . -}}
{{- include "twinpin.checkFollowing" . -}}
{{- end -}}

{{- define "twinpin.checkCluster" -}}
{{- if .Values.kserve.requireCRDs -}}
{{- $graph := include "twinpin.hasGraph" . | empty | ternary list (list "serving.kserve.io/v1alpha1/InferenceGraph") -}}
{{- range $api := concat (list "serving.kserve.io/v1beta1/InferenceService") $graph -}}
{{- if not ($.Capabilities.APIVersions.Has $api) -}}
{{- fail (printf "this cluster does not serve %s: install KServe 0.16 or later in Standard mode first (https://kserve.github.io/website). Without a cluster (helm template) give --api-versions %s, or set kserve.requireCRDs=false." $api $api) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.kserve.checkVersion (include "twinpin.hasGraph" .) -}}
{{- include "twinpin.kserve.checkVersion" . -}}
{{- end -}}
{{- end -}}

{{/* Its name shows in the error of an account that may not read CustomResourceDefinitions, and tells what to set. */}}
{{- define "twinpin.kserve.checkVersion" -}}
{{- $crd := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" "inferencegraphs.serving.kserve.io" -}}
{{- if $crd -}}
{{- $known := false -}}
{{- range $crd.spec.versions -}}
{{- $spec := dig "schema" "openAPIV3Schema" "properties" "spec" "properties" dict . -}}
{{- if hasKey $spec "routerTimeouts" -}}{{- $known = true -}}{{- end -}}
{{- end -}}
{{- if not $known -}}
{{- fail "the InferenceGraph of this cluster's KServe has no routerTimeouts: upgrade KServe to 0.16 or later." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* KServe writes `isvc.<isvc>-predictor` into a label and `<isvc>-predictor-<namespace>` into a host name, and each has room for
     63 characters. A controller names a rollout p3fa9c1 at least, by the digest alone, where there is no room for the versions. */}}
{{- define "twinpin.checkNames" -}}
{{- $name := include "twinpin.fullname" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "everything would be called after %q, and KServe takes names of small letters, digits and dashes that begin with a letter: choose another release name, or set fullnameOverride." $name) -}}
{{- end -}}
{{- range $part := include "twinpin.parts" . | fromJsonArray -}}
{{- $rollouts := include "twinpin.rollouts" (dict "root" $ "part" $part) | fromJsonArray -}}
{{- if include "twinpin.byController" (dict "root" $ "part" $part) -}}
{{- $rollouts = list "p000000" -}}
{{- end -}}
{{- range $rollout := $rollouts -}}
{{- $isvc := include "twinpin.isvc" (dict "root" $ "part" $part "rollout" $rollout) -}}
{{- $room := min 48 (sub 52 (len $.Release.Namespace)) -}}
{{- $over := sub (len $isvc) $room -}}
{{- if gt (int $over) 0 -}}
{{- fail (printf "the InferenceService %q has a name of %d characters, and in the namespace %q KServe has room for %d: shorten rollout, the release name or fullnameOverride by %d." $isvc (len $isvc) $.Release.Namespace $room $over) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if has .Values.rollout .Values.standby -}}
{{- fail (printf "standby names %q, which is the rollout that gets the requests: take it out." .Values.rollout) -}}
{{- end -}}
{{- end -}}

{{- define "twinpin.checkPair" -}}
{{- if not (or .Values.registry.uri .Values.registry.env .Values.registry.envFrom) -}}
{{- fail "registry.uri is empty: set it to the MLflow registry, such as http://mlflow.mlflow.svc:5000 (or let registry.env or registry.envFrom set MLFLOW_TRACKING_URI)." -}}
{{- end -}}
{{- if not (or (include "twinpin.hasController" .) (include "twinpin.follows" .)) -}}
{{- include "twinpin.checkPin" . -}}
{{- end -}}
{{- end -}}

{{/* A rollout keeps its Pin: other names or another alias would leave every new pod waiting, so they are refused now. */}}
{{- define "twinpin.checkPin" -}}
{{- range $rollout := include "twinpin.rollouts" (dict "root" . "part" "predict") | fromJsonArray -}}
{{- $found := lookup "v1" "ConfigMap" $.Release.Namespace (printf "%s-pair-%s" (include "twinpin.fullname" $) $rollout) -}}
{{- with (dig "data" "pin.json" "" $found) -}}
{{- $pin := fromJson . -}}
{{- $pinned := list $pin.preprocessor.name $pin.model.name $pin.alias -}}
{{- $wanted := list $.Values.pair.preprocessor $.Values.pair.model $.Values.pair.alias -}}
{{- if ne (join " " $pinned) (join " " $wanted) -}}
{{- fail (printf "rollout %q is pinned to %s (preprocessor, model, alias), and the values say %s: a pair is changed by a new rollout, so choose another name for it." $rollout (join ", " $pinned) (join ", " $wanted)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "twinpin.checkFeatures" -}}
{{- with .Values.features -}}
{{- if and .repository.config .repository.volume -}}
{{- fail "features.repository has both config and volume: give one of them." -}}
{{- end -}}
{{- if and (include "twinpin.hasFeatures" $) (not .service) -}}
{{- fail "features.service is empty: name the Feast FeatureService that the model was fitted on." -}}
{{- end -}}
{{- if and .service (not (include "twinpin.hasFeatures" $)) -}}
{{- fail "features.service is set, but there is no Feast repository: give features.repository.config (the text of feature_store.yaml) or features.repository.volume." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "twinpin.checkTimeouts" -}}
{{- $steps := include "twinpin.hasFeatures" . | empty | ternary 2 3 -}}
{{- with .Values.timeouts -}}
{{- $chain := mul $steps .routerClient -}}
{{- if le (float64 .routerClient) (float64 .step) -}}
{{- fail (printf "timeouts.routerClient (%v s) must be above timeouts.step (%v s): the router would give up on a step that can still say what is wrong." .routerClient .step) -}}
{{- end -}}
{{- if le (int .routerWrite) (int $chain) -}}
{{- fail (printf "timeouts.routerWrite (%v s) must be above %d times timeouts.routerClient (%d s): the router calls so many steps in a row before it answers." .routerWrite $steps $chain) -}}
{{- end -}}
{{- if le (float64 .gateway) (float64 .routerWrite) -}}
{{- fail (printf "timeouts.gateway (%v s) must be above timeouts.routerWrite (%v s): the gateway would give up on an answer that still comes." .gateway .routerWrite) -}}
{{- end -}}
{{- if gt (float64 .gateway) (float64 $.Values.drain.timeout) -}}
{{- fail (printf "drain.timeout (%v s) must be at least timeouts.gateway (%v s): a stopping pod would cut requests that are still in time." $.Values.drain.timeout .gateway) -}}
{{- end -}}
{{- if ge (float64 $.Values.features.storeTimeout) (float64 .step) -}}
{{- fail (printf "features.storeTimeout (%v s) must be below timeouts.step (%v s): the step would be cut before it can say that the store is down." $.Values.features.storeTimeout .step) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "twinpin.checkOptions" -}}
{{- if and (eq .Values.topology "graph") (eq .Values.gateway.mode "graph") (not .Values.graph.enabled) -}}
{{- fail "graph.enabled is false, but gateway.mode is graph: the gateway would have nothing to call. Set gateway.mode=direct." -}}
{{- end -}}
{{- $abort := .Values.controller.canary.abort -}}
{{- range $limit := list "drift" "missing" -}}
{{- if and $abort.enabled (not (kindIs "invalid" (get $abort $limit))) (not $.Values.observe.enabled) -}}
{{- fail (printf "controller.canary.abort.%s is set, but no pod shows what it is given and forecasts: set observe.enabled." $limit) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.keda.enabled (not .Values.keda.prometheusUrl) -}}
{{- fail "keda.enabled needs keda.prometheusUrl, such as http://prometheus.monitoring.svc:9090." -}}
{{- end -}}
{{- if and .Values.route.enabled (not .Values.route.parentRefs) -}}
{{- fail "route.enabled needs route.parentRefs: name the Gateway, as [{name: …, namespace: …}]." -}}
{{- end -}}
{{- range $host := .Values.route.grpc.hostnames -}}
{{- if has $host $.Values.route.hostnames -}}
{{- fail (printf "%s is in route.hostnames and in route.grpc.hostnames: a Gateway takes a host name for HTTP or for gRPC, so give gRPC one of its own." $host) -}}
{{- end -}}
{{- end -}}
{{- range $part := concat (include "twinpin.parts" . | fromJsonArray) (eq .Values.topology "graph" | ternary (list "gateway" "graph") list) -}}
{{- with (index $.Values $part).replicas -}}
{{- if lt (int .max) (int .min) -}}
{{- fail (printf "%s.replicas.max (%v) is below %s.replicas.min (%v)." $part .max $part .min) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* With a controller; its rollouts keep their Pins too, so the pair's names stay what they were when it came. */}}
{{- define "twinpin.checkController" -}}
{{- if include "twinpin.hasController" . -}}
{{- if .Values.standby -}}
{{- fail "standby is set, but the controller makes all rollouts: take it out and see controller.keep, or set controller.enabled=false." -}}
{{- end -}}
{{- if ne .Values.rollout "r1" -}}
{{- fail (printf "rollout is %q, but the controller names rollouts after their pairs: take it out, or set controller.enabled=false." .Values.rollout) -}}
{{- end -}}
{{- $name := include "twinpin.fullname" . -}}
{{- $template := lookup "v1" "ConfigMap" .Release.Namespace (printf "%s-template" $name) -}}
{{- with (lookup "v1" "ConfigMap" .Release.Namespace (printf "%s-pair" $name)).data | and $template -}}
{{- $there := list .TWINPIN_PREPROCESSOR_NAME .TWINPIN_MODEL_NAME .TWINPIN_ALIAS -}}
{{- $wanted := list $.Values.pair.preprocessor $.Values.pair.model $.Values.pair.alias -}}
{{- if ne (join " " $there) (join " " $wanted) -}}
{{- fail (printf "the controller of %s follows %s (preprocessor, model, alias), and the values say %s: pods of its rollouts would refuse their Pins, so install another release for them." $name (join ", " $there) (join ", " $wanted)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Where pods follow the alias; the record holds a Pin, and a Pin its names. */}}
{{- define "twinpin.checkFollowing" -}}
{{- if include "twinpin.follows" . -}}
{{- if .Values.standby -}}
{{- fail "standby is set, but each pod loads the next pair itself: take it out and see controller.keep, or set controller.enabled=false." -}}
{{- end -}}
{{- if .Values.controller.canary.percent -}}
{{- fail "controller.canary.percent is set, but pods of topology=collapsed switch all requests at once: take it out, or use topology=graph." -}}
{{- end -}}
{{- $name := include "twinpin.fullname" . -}}
{{- $record := lookup "twinpin.dev/v1alpha1" "PairedGraph" .Release.Namespace $name -}}
{{- with (dig "status" "pin" "" $record) -}}
{{- $pin := fromJson . -}}
{{- $there := list $pin.preprocessor.name $pin.model.name $pin.alias -}}
{{- $wanted := list $.Values.pair.preprocessor $.Values.pair.model $.Values.pair.alias -}}
{{- if ne (join " " $there) (join " " $wanted) -}}
{{- fail (printf "the pods of %s follow %s (preprocessor, model, alias), and the values say %s: new pods would refuse the pair that it serves, so install another release for them." $name (join ", " $there) (join ", " $wanted)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
