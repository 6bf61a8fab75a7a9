{{/* InferenceServices: one shape for every part, so that a rollout is the same whoever makes it. */}}

{{/* Settings of a part: dict "root" "part" "rollout". */}}
{{- define "twinpin.partSettings" -}}
{{- $values := .root.Values -}}
{{- $features := dict
  "DEFAULT_ENTITY" $values.features.defaultEntity
  "ENTITY_KEY" $values.features.entityKey
  "FEATURE_REPO" "/etc/feast"
  "FEATURE_SERVICE" $values.features.service
  "MAX_AGE" $values.features.maxAge
  "MAX_ENTITIES" $values.features.maxEntities
  "RESOLUTION" $values.features.resolution
  "STORE_TIMEOUT" $values.features.storeTimeout
  "WINDOW" $values.features.window -}}
{{- $preprocess := dict
  "ALLOW_MISSING" $values.preprocess.allowMissing
  "PAIR_DIR" "/mnt/pair"
  "PREPROCESS_FAST_PATH" $values.preprocess.fastPath -}}
{{- $predict := dict
  "DEVICE" $values.predict.device
  "PAIR_DIR" "/mnt/pair"
  "PREDICT_FAST_PATH" $values.predict.fastPath
  "PREDICT_THREADS" $values.predict.predictThreads -}}
{{- with $values.observe -}}
{{- if .enabled -}}
{{- $observe := dict "OBSERVE" true "OBSERVE_INTERVAL" .interval -}}
{{- $preprocess = merge $preprocess $observe (dict "OBSERVE_COLUMNS" .columns) -}}
{{- $predict = merge $predict $observe -}}
{{- end -}}
{{- end -}}
{{- $settings := dict -}}
{{- if eq .part "features" -}}{{- $settings = $features -}}
{{- else if eq .part "preprocess" -}}{{- $settings = $preprocess -}}
{{- else if eq .part "predict" -}}{{- $settings = $predict -}}
{{- else -}}
{{- $settings = merge $preprocess $predict (include "twinpin.hasFeatures" .root | empty | ternary dict $features) (include "twinpin.serveSettings" . | fromJson) -}}
{{- end -}}
{{- $timeout := eq .part "serve" | ternary $values.timeouts.gateway $values.timeouts.step -}}
{{- merge $settings (include "twinpin.serverSettings" (dict "root" .root "values" (index $values .part) "timeout" $timeout) | fromJson) | toJson -}}
{{- end -}}

{{/* What the process of the collapsed topology is told beside its steps. Without a record to follow it takes the pair that the
     init container laid down, and asks neither registry nor API server. */}}
{{- define "twinpin.serveSettings" -}}
{{- $values := .root.Values -}}
{{- $follow := include "twinpin.follows" .root | empty | ternary dict (dict
  "FOLLOW" true
  "FOLLOW_KEEP" $values.controller.keep
  "PAIRED_GRAPH" (include "twinpin.fullname" .root)
  "RESOLVE_DEADLINE" $values.resolve.deadline) -}}
{{- if and $follow $values.resolve.cache.volume -}}
{{- $follow = merge $follow (dict "CACHE_DIR" "/mnt/cache" "CACHE_KEEP" $values.resolve.cache.keep) -}}
{{- end -}}
{{- dict
  "ALIAS" $values.pair.alias
  "MODEL_NAME" $values.pair.model
  "PAGE_SERIES" $values.gateway.pageSeries
  "PREPROCESSOR_NAME" $values.pair.preprocessor
  "ROLLOUT" .rollout
  "SERVED_NAME" $values.gateway.servedName
  | merge $follow | toJson -}}
{{- end -}}

{{/* Not empty where a part's own process fetches pairs, and no init container does: dict "root" "part". */}}
{{- define "twinpin.fetches" -}}
{{- if and (eq .part "serve") (include "twinpin.follows" .root) -}}yes{{- end -}}
{{- end -}}

{{/* The image of a part: dict "root" "part". */}}
{{- define "twinpin.partImage" -}}
{{- $gpu := and (eq .part "predict") (ne .root.Values.predict.device "cpu") -}}
{{- include "twinpin.image" (dict "root" .root "target" ($gpu | ternary "predict-gpu" .part) "image" (index .root.Values .part).image) -}}
{{- end -}}

{{/* Its resources, with a GPU where it must have one. */}}
{{- define "twinpin.partResources" -}}
{{- $resources := deepCopy (index .root.Values .part).resources -}}
{{- if and (eq .part "predict") (eq .root.Values.predict.device "cuda") -}}
{{- $gpu := dict .root.Values.predict.gpuResource "1" -}}
{{- $resources = merge $resources (dict "limits" $gpu) -}}
{{- end -}}
{{- toJson $resources -}}
{{- end -}}

{{/* Not empty where a part serves a pair. */}}
{{- define "twinpin.hasPair" -}}
{{- if ne .part "features" -}}yes{{- end -}}
{{- end -}}

{{/* Not empty where a part reads features. */}}
{{- define "twinpin.readsFeatures" -}}
{{- if and (has .part (list "features" "serve")) (include "twinpin.hasFeatures" .root) -}}yes{{- end -}}
{{- end -}}

{{/* The InferenceService of a part of a rollout: dict "root" "part" "rollout". */}}
{{- define "twinpin.inferenceService" -}}
{{- $values := index .root.Values .part -}}
{{- $name := include "twinpin.fullname" .root -}}
{{- $scaled := .root.Values.autoscaling.enabled -}}
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: {{ include "twinpin.isvc" . }}
  labels:
    {{- include "twinpin.labels" (dict "root" .root "component" .part) | nindent 4 }}
    networking.kserve.io/visibility: cluster-local # else KServe may lead an Ingress of its own to it, past the gateway
    {{- if include "twinpin.hasPair" . }}
    twinpin.dev/rollout: {{ .rollout | quote }}
    {{- end }}
  annotations:
    serving.kserve.io/deploymentMode: Standard
    # external: autoscalers of ours hold its number of pods; none: the number is fixed.
    serving.kserve.io/autoscalerClass: {{ or $scaled .root.Values.keda.enabled | ternary "external" "none" }}
spec:
  predictor:
    minReplicas: {{ $values.replicas.min }}
    {{- with $values.podLabels }}
    labels: {{ toJson . }}
    {{- end }}
    {{- with merge (dict) $values.podAnnotations (include "twinpin.checksums" . | fromJson) }}
    annotations: {{ toJson . }}
    {{- end }}
    deploymentStrategy:
      type: RollingUpdate
      rollingUpdate: {{ $values.rollingUpdate | default (dict "maxSurge" 1 "maxUnavailable" 0) | toJson }}
    serviceAccountName: {{ $name }}-{{ include "twinpin.hasPair" . | empty | ternary "step" "resolve" }}
    terminationGracePeriodSeconds: {{ include "twinpin.grace" .root }}
    {{- include "twinpin.podSecurity" .root | nindent 4 }}
    {{- include "twinpin.placement" (dict "root" .root "values" $values "selector" (include "twinpin.app" .)) | nindent 4 }}
    {{- if and (include "twinpin.hasPair" .) (not (include "twinpin.fetches" .)) }}
    initContainers:
      {{- include "twinpin.resolveContainer" . | nindent 6 }}
    {{- end }}
    containers:
      - name: kserve-container
        image: {{ include "twinpin.partImage" . }}
        imagePullPolicy: {{ .root.Values.image.pullPolicy }}
        args: {{ eq .part "serve" | ternary (list "serve") (list "step" .part) | toJson }}
        terminationMessagePolicy: FallbackToLogsOnError # the controller says why a pair does not load
        env:
          - name: PROTOCOL # what KServe takes it for
            value: v2
          {{- include "twinpin.settings" (dict "settings" (include "twinpin.partSettings" . | fromJson)) | nindent 10 }}
          {{- with include "twinpin.tracing" . }}
          {{- . | nindent 10 }}
          {{- end }}
          {{- if and (eq .part "serve") .root.Values.features.env }}
          {{- toYaml .root.Values.features.env | nindent 10 }}
          {{- end }}
          {{- if include "twinpin.fetches" . }}
          {{- include "twinpin.fetchEnv" . | trim | nindent 10 }}
          {{- end }}
          {{- with $values.env }}
          {{- toYaml . | nindent 10 }}
          {{- end }}
        {{- $fetched := include "twinpin.fetches" . | empty | ternary list (concat (list (dict "configMapRef" (dict "name" (printf "%s-pair" $name)))) .root.Values.registry.envFrom) }}
        {{- with concat $fetched (eq .part "serve" | ternary .root.Values.features.envFrom list) $values.envFrom }}
        envFrom:
          {{- toYaml . | nindent 10 }}
        {{- end }}
        ports:
          - {name: http1, containerPort: 8080, protocol: TCP}
          - {name: grpc, containerPort: 8081, protocol: TCP}
        {{- include "twinpin.probes" (dict "ready" (eq .part "serve" | ternary "/v2/health/ready" (printf "/v2/models/%s/ready" .part)) "waits" (include "twinpin.fetches" . | empty | ternary 0 .root.Values.resolve.deadline)) | nindent 8 }}
        resources: {{ include "twinpin.partResources" . }}
        {{- include "twinpin.containerSecurity" .root | nindent 8 }}
        volumeMounts:
          - {name: tmp, mountPath: /tmp}
          {{- if include "twinpin.hasPair" . }}
          - {name: pair, mountPath: /mnt/pair{{ if not (include "twinpin.fetches" .) }}, readOnly: true{{ end }}}
          {{- end }}
          {{- if include "twinpin.fetches" . }}
          {{- include "twinpin.fetchMounts" . | trim | nindent 10 }}
          {{- end }}
          {{- if include "twinpin.readsFeatures" . }}
          - {name: features, mountPath: /etc/feast, readOnly: true}
          {{- end }}
          {{- with $values.volumeMounts }}
          {{- toYaml . | nindent 10 }}
          {{- end }}
    volumes:
      - name: tmp
        emptyDir: {sizeLimit: 512Mi}
      {{- if include "twinpin.hasPair" . }}
      {{- include "twinpin.resolveVolumes" . | nindent 6 }}
      {{- end }}
      {{- if include "twinpin.readsFeatures" . }}
      - name: features
        {{- if .root.Values.features.repository.config }}
        secret: {secretName: {{ $name }}-features}
        {{- else }}
        {{- toYaml .root.Values.features.repository.volume | nindent 8 }}
        {{- end }}
      {{- end }}
      {{- with $values.volumes }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
{{- end -}}

{{/* Annotations that start pods anew when what they read at their start was changed. */}}
{{- define "twinpin.checksums" -}}
{{- $sums := dict -}}
{{- if include "twinpin.hasPair" . -}}
{{- $_ := set $sums "twinpin.dev/pair-settings" (include "twinpin.pairSettings" .root | sha256sum | trunc 16) -}}
{{- end -}}
{{- if include "twinpin.readsFeatures" . -}}
{{- $_ := set $sums "twinpin.dev/feature-store" (.root.Values.features.repository.config | sha256sum | trunc 16) -}}
{{- end -}}
{{- toJson $sums -}}
{{- end -}}

{{/* What the init container is told of the pair. */}}
{{- define "twinpin.pairSettings" -}}
TWINPIN_ALIAS: {{ .Values.pair.alias | quote }}
TWINPIN_MODEL_NAME: {{ .Values.pair.model | quote }}
TWINPIN_PREPROCESSOR_NAME: {{ .Values.pair.preprocessor | quote }}
{{- with .Values.registry.uri }}
TWINPIN_REGISTRY_URI: {{ . | quote }}
{{- end }}
{{- with .Values.registry.trackingUri }}
TWINPIN_TRACKING_URI: {{ . | quote }}
{{- end }}
{{- end -}}
