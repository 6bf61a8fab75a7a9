{{/* Graph: the one source of the InferenceGraph and of the gateway's copy. */}}

{{/* Address of a part's model: dict "root" "part" "direct". Direct ones are the pods' own, for the gateway. */}}
{{- define "twinpin.stepUrl" -}}
{{- $part := dict "root" .root "part" .part "rollout" .root.Values.rollout -}}
{{- $service := .direct | ternary (printf "%s-direct" (include "twinpin.isvc" $part)) (include "twinpin.predictor" $part) -}}
http://{{ include "twinpin.host" (dict "root" .root "service" $service) }}{{ if .direct }}:8080{{ end }}/v2/models/{{ .part }}/infer
{{- end -}}

{{/* The nodes: dict "root" "direct". A step that is not Hard would have its errors fed to the next one, and `answer=request` makes
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
      serviceUrl: {{ $preprocess }}?answer=request
      condition: "@this"
      dependency: Hard
{{- if $features }}
from-entities:
  routerType: Sequence
  steps:
    - name: features
      serviceUrl: {{ include "twinpin.stepUrl" (merge (dict "part" "features") .) }}?answer=request
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
      serviceUrl: {{ $preprocess }}?answer=request
      dependency: Hard
    - name: predict
      serviceUrl: {{ include "twinpin.stepUrl" (merge (dict "part" "predict") .) }}
      data: $response
      dependency: Hard
{{- end -}}

{{/* The document: dict "root" "direct". */}}
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
    serverRead: {{ $values.timeouts.gateway }}
    serverWrite: {{ $values.timeouts.routerWrite }}
    serverIdle: 180 # above the gateway's idle connections
    serviceClient: {{ $values.timeouts.routerClient }}
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
    {{- include "twinpin.graphNodes" . | nindent 4 }}
{{- end -}}
