{{/* Names: everything is called after the release, what carries a pair after its rollout too. */}}

{{/* The name of the release's things. */}}
{{- define "twinpin.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name -}}
{{- end -}}

{{/* The InferenceService of a part: dict "root" "part" "rollout". The features step has no pair, so it has no rollout. */}}
{{- define "twinpin.isvc" -}}
{{- $name := include "twinpin.fullname" .root -}}
{{- if eq .part "features" -}}{{ $name }}-features
{{- else if eq .part "serve" -}}{{ $name }}-{{ .rollout }}
{{- else -}}{{ $name }}-{{ .part }}-{{ .rollout }}
{{- end -}}
{{- end -}}

{{/* What KServe calls that one's Deployment and Service. */}}
{{- define "twinpin.predictor" -}}
{{ include "twinpin.isvc" . }}-predictor
{{- end -}}

{{/* The label by which KServe's Deployments and Services find their pods. */}}
{{- define "twinpin.app" -}}
app: isvc.{{ include "twinpin.predictor" . }}
{{- end -}}

{{/* A host name in this namespace: dict "root" "service". */}}
{{- define "twinpin.host" -}}
{{ .service }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain }}
{{- end -}}

{{/* Parts that are InferenceServices, as a JSON list, in the order in which a request meets them. */}}
{{- define "twinpin.parts" -}}
{{- if eq .Values.topology "collapsed" -}}["serve"]
{{- else if include "twinpin.hasFeatures" . -}}["features","preprocess","predict"]
{{- else -}}["preprocess","predict"]
{{- end -}}
{{- end -}}

{{/* Rollouts of a part, as a JSON list: dict "root" "part". The features step serves them all. */}}
{{- define "twinpin.rollouts" -}}
{{- $all := concat (list .root.Values.rollout) .root.Values.standby -}}
{{- eq .part "features" | ternary (list .root.Values.rollout) $all | toJson -}}
{{- end -}}

{{/* Not empty where a feature repository is given. */}}
{{- define "twinpin.hasFeatures" -}}
{{- if or .Values.features.repository.config .Values.features.repository.volume -}}yes{{- end -}}
{{- end -}}

{{/* Not empty where the InferenceGraph is made. */}}
{{- define "twinpin.hasGraph" -}}
{{- if and (eq .Values.topology "graph") .Values.graph.enabled -}}yes{{- end -}}
{{- end -}}

{{/* Not empty where the controller makes rollouts and the InferenceGraph: only there is a graph to switch. */}}
{{- define "twinpin.hasController" -}}
{{- if and .Values.controller.enabled (eq .Values.topology "graph") -}}yes{{- end -}}
{{- end -}}

{{/* Not empty where the controller writes the gateway's own graph, so that each of its pods runs one. */}}
{{- define "twinpin.writesGateway" -}}
{{- if and (include "twinpin.hasController" .) (eq .Values.gateway.mode "direct") -}}yes{{- end -}}
{{- end -}}

{{/* Not empty where the pods themselves follow the alias: all of a pair is in each of them. */}}
{{- define "twinpin.follows" -}}
{{- if and .Values.controller.enabled (eq .Values.topology "collapsed") -}}yes{{- end -}}
{{- end -}}

{{/* Labels by which a part's own objects are told apart: dict "root" "component". */}}
{{- define "twinpin.selector" -}}
app.kubernetes.io/name: twinpin
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Labels of an object: dict "root" "component". KServe copies them to pods, so no chart version is among them. */}}
{{- define "twinpin.labels" -}}
{{ include "twinpin.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: twinpin
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{/* The image of a target: dict "root" "target" "image", the last one a full name that wins. */}}
{{- define "twinpin.image" -}}
{{- with .root.Values.image -}}
{{- $name := printf "twinpin-%s:%s" $.target (.tag | default $.root.Chart.AppVersion) -}}
{{- $.image | default (empty .registry | ternary $name (printf "%s/%s" (trimSuffix "/" .registry) $name)) -}}
{{- end -}}
{{- end -}}
