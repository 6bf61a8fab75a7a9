{{/* Scaling: how many pods each workload has. KServe would write autoscalers without a behaviour, so the InferenceServices
     ask for none. The router's is KServe's. */}}

{{/* Not empty where KEDA scales a part: dict "root" "part". The gateway holds no queue, and KServe scales the router. */}}
{{- define "twinpin.byQueue" -}}
{{- if and .root.Values.keda.enabled (not (has .part (list "gateway" "graph"))) -}}yes{{- end -}}
{{- end -}}

{{/* When pods are added and removed. An autoscaler has one target; with its tolerance it keeps still between the two limits. */}}
{{- define "twinpin.scalingBehavior" -}}
{{- $values := .Values.autoscaling -}}
{{- $tolerant := semverCompare ">=1.33-0" .Capabilities.KubeVersion.Version -}}
scaleUp:
  stabilizationWindowSeconds: 0
  {{- if $tolerant }}
  tolerance: "0"
  {{- end }}
scaleDown:
  stabilizationWindowSeconds: {{ $values.scaleDownSeconds }}
  {{- if $tolerant }}
  tolerance: {{ subf 1 (divf $values.scaleDownCPU $values.scaleUpCPU) | printf "%.3f" | quote }} # down below scaleDownCPU
  {{- end }}
{{- end -}}

{{/* HorizontalPodAutoscalers of workloads: dict "root" "controller". */}}
{{- define "twinpin.autoscalers" -}}
{{- if .root.Values.autoscaling.enabled }}
{{- $root := .root }}
{{- range include "twinpin.made" . | fromJsonArray }}
{{- if not (or (eq .part "graph") (include "twinpin.byQueue" (dict "root" $root "part" .part))) }}
{{- $replicas := (index $root.Values .part).replicas }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .name }}
  labels:
    {{- include "twinpin.labels" (dict "root" $root "component" .part) | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .deployment }}}
  minReplicas: {{ $replicas.min }}
  maxReplicas: {{ $replicas.max }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ $root.Values.autoscaling.scaleUpCPU }}}
  behavior:
    {{- include "twinpin.scalingBehavior" $root | nindent 4 }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* ScaledObjects of workloads, for KEDA: dict "root" "controller". */}}
{{- define "twinpin.scaledObjects" -}}
{{- if .root.Values.keda.enabled }}
{{- $root := .root }}
{{- range include "twinpin.made" . | fromJsonArray }}
{{- if include "twinpin.byQueue" (dict "root" $root "part" .part) }}
{{- $replicas := (index $root.Values .part).replicas }}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ .name }}
  labels:
    {{- include "twinpin.labels" (dict "root" $root "component" .part) | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .deployment }}}
  minReplicaCount: {{ $replicas.min }}
  maxReplicaCount: {{ $replicas.max }}
  pollingInterval: {{ $root.Values.keda.pollingInterval }}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        {{- include "twinpin.scalingBehavior" $root | nindent 8 }}
  triggers:
    - type: prometheus
      metricType: AverageValue
      metadata:
        serverAddress: {{ $root.Values.keda.prometheusUrl }}
        query: sum(twinpin_in_flight{namespace="{{ $root.Release.Namespace }}",pod=~"{{ .deployment }}-.*"})
        threshold: {{ $root.Values.keda.queueLength | quote }}
    {{- if $root.Values.autoscaling.enabled }}
    - type: cpu
      metricType: Utilization
      metadata:
        value: {{ $root.Values.autoscaling.scaleUpCPU | quote }}
    {{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
