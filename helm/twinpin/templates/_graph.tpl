{{/* Graph: the one source of the InferenceGraph and of the gateway's copy. */}}

{{/* Address of a part's model: dict "root" "part" "to". To `direct` go the pods' own, to `any` those of all rollouts of a
     controller, else those of the one that serves. */}}
{{- define "twinpin.stepUrl" -}}
{{- $part := dict "root" .root "part" .part "rollout" .root.Values.rollout -}}
{{- $service := include "twinpin.predictor" $part -}}
{{- if eq .to "direct" -}}
{{- $service = printf "%s-direct" (include "twinpin.isvc" $part) -}}
{{- else if and (eq .to "any") (include "twinpin.byController" $part) -}}
{{- $service = printf "%s-%s" (include "twinpin.fullname" .root) .part -}}
{{- end -}}
http://{{ include "twinpin.host" (dict "root" .root "service" $service) }}{{ if eq .to "direct" }}:8080{{ end }}/v2/models/{{ .part }}/infer
{{- end -}}

{{/* The nodes: dict "root" "to". A step that is not Hard would have its errors fed to the next one, and `answer=raw` makes
     a step answer with the next one's request, since the router hands answers on verbatim. */}}
{{- define "twinpin.graphNodes" -}}
{{- $features := include "twinpin.hasFeatures" .root -}}
{{- $preprocess := include "twinpin.stepUrl" (merge (dict "part" "preprocess") .) -}}
root:
  routerType: Switch
  steps:
    {{- if $features }}
    {{- range $name, $key := dict "entities" "entities" "entity-key" "entity_key" "time-point" "time_point" }}
    - name: {{ $name }}
      nodeName: from-entities
      condition: {{ $key }}
      dependency: Hard
    {{- end }}
    {{- end }}
    {{- range list "data" "inputs" }}
    - name: {{ . }}
      nodeName: from-data
      condition: {{ . }}
      dependency: Hard
    {{- end }}
    - name: other # preprocess answers 400 and says what it takes
      serviceUrl: {{ $preprocess }}?answer=raw
      condition: "@this"
      dependency: Hard
{{- if $features }}
from-entities:
  routerType: Sequence
  steps:
    - name: features
      serviceUrl: {{ include "twinpin.stepUrl" (merge (dict "part" "features") .) }}?answer=raw
      dependency: Hard
    - name: data
      nodeName: from-data
      data: $response
      dependency: Hard
{{- end }}
from-data:
  routerType: Sequence
  steps:
    - name: preprocess
      serviceUrl: {{ $preprocess }}?answer=raw
      dependency: Hard
    - name: predict
      serviceUrl: {{ include "twinpin.stepUrl" (merge (dict "part" "predict") .) }}
      data: $response
      dependency: Hard
{{- end -}}

{{/* What the gateway reads of it: in mode graph to ask the steps for metadata and health, in mode direct to run it. How the
     router's pods run is not its business. */}}
{{- define "twinpin.graphCopy" -}}
{{- $to := eq .Values.gateway.mode "direct" | ternary "direct" (include "twinpin.hasController" . | empty | ternary "serving" "any") -}}
apiVersion: serving.kserve.io/v1alpha1
kind: InferenceGraph
metadata:
  name: {{ include "twinpin.fullname" . }}
spec:
  routerTimeouts:
    {{- include "twinpin.routerTimeouts" . | nindent 4 }}
  nodes:
    {{- include "twinpin.graphNodes" (dict "root" . "to" $to) | nindent 4 }}
{{- end -}}

{{/* How long the router waits; in mode direct the gateway does for a step. */}}
{{- define "twinpin.routerTimeouts" -}}
serverRead: {{ .Values.timeouts.gateway }}
serverWrite: {{ .Values.timeouts.routerWrite }}
serverIdle: 180 # above the gateway's idle connections
serviceClient: {{ .Values.timeouts.routerClient }}
{{- end -}}

{{/* The document: dict "root". */}}
{{- define "twinpin.graphDocument" -}}
{{- $values := .root.Values -}}
apiVersion: serving.kserve.io/v1alpha1
kind: InferenceGraph
metadata:
  name: {{ include "twinpin.fullname" .root }}
  labels:
    {{- include "twinpin.labels" (dict "root" .root "component" "graph") | nindent 4 }}
    twinpin.dev/rollout: {{ $values.rollout | quote }}
  annotations:
    serving.kserve.io/deploymentMode: Standard
    serving.kserve.io/autoscalerClass: {{ $values.autoscaling.enabled | ternary "hpa" "none" }}
spec:
  routerTimeouts:
    {{- include "twinpin.routerTimeouts" .root | nindent 4 }}
  minReplicas: {{ $values.graph.replicas.min }}
  maxReplicas: {{ $values.graph.replicas.max }}
  scaleMetric: cpu
  scaleTarget: {{ $values.autoscaling.scaleUpCPU }}
  serviceAccountName: {{ include "twinpin.fullname" .root }}-step
  resources: {{ toJson $values.graph.resources }}
  {{- with $values.graph.nodeSelector }}
  nodeSelector: {{ toJson . }}
  {{- end }}
  {{- with $values.graph.tolerations }}
  tolerations: {{ toJson . }}
  {{- end }}
  affinity:
    {{- if $values.graph.affinity }}
    {{- toYaml $values.graph.affinity | nindent 4 }}
    {{- else }}
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels:
                {{- include "twinpin.selector" (dict "root" .root "component" "graph") | nindent 16 }}
    {{- end }}
  nodes:
    {{- include "twinpin.graphNodes" (dict "root" .root "to" "serving") | nindent 4 }}
{{- end -}}
