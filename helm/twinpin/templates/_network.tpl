{{/* Network: who may talk to whom. Ports are those of pods, since policies act behind Services. */}}

{{/* Ports of a server of ours. */}}
{{- define "twinpin.serverPorts" -}}
[{"protocol": "TCP", "port": 8080}, {"protocol": "TCP", "port": 8081}]
{{- end -}}

{{/* Who calls a part, as a JSON list of peers; empty: everybody. dict "root" "part" "workloads". */}}
{{- define "twinpin.callers" -}}
{{- $root := .root -}}
{{- $from := list -}}
{{- range .workloads -}}
{{- if or (eq .part "gateway") (and (eq .part "graph") (ne $.part "graph")) -}}
{{- $from = append $from (dict "podSelector" (dict "matchLabels" .peer)) -}}
{{- end -}}
{{- end -}}
{{- if include "twinpin.byController" . -}}
{{- $prober := include "twinpin.selector" (dict "root" $root "component" "controller") | fromYaml -}}
{{- $from = append $from (dict "podSelector" (dict "matchLabels" $prober)) -}}
{{- end -}}
{{- if has .part (list "gateway" "serve") -}}
{{- $from = $root.Values.networkPolicy.clients -}}
{{- if $from -}}
{{- $test := include "twinpin.selector" (dict "root" $root "component" "test") | fromYaml -}}
{{- $from = append $from (dict "podSelector" (dict "matchLabels" $test)) -}}
{{- end -}}
{{- end -}}
{{- toJson $from -}}
{{- end -}}

{{/* The pods of the steps, as a JSON list of peers: dict "workloads" "parts". */}}
{{- define "twinpin.podsOf" -}}
{{- $to := list -}}
{{- range .workloads -}}
{{- if has .part $.parts -}}
{{- $to = append $to (dict "podSelector" (dict "matchLabels" .peer)) -}}
{{- end -}}
{{- end -}}
{{- toJson $to -}}
{{- end -}}

{{/* What a part calls, as a JSON list of egress rules beside DNS: dict "root" "part" "workloads". */}}
{{- define "twinpin.callees" -}}
{{- $policy := .root.Values.networkPolicy -}}
{{- $rules := list -}}
{{- if has .part (list "gateway" "graph" "controller") -}}
{{- $parts := list "features" "preprocess" "predict" -}}
{{- if eq .part "gateway" -}}{{- $parts = append $parts "graph" -}}{{- end -}}
{{- if eq .part "controller" -}}{{- $parts = list "preprocess" "predict" -}}{{- end -}}
{{- $to := include "twinpin.podsOf" (dict "workloads" .workloads "parts" $parts) | fromJsonArray -}}
{{- $rules = append $rules (dict "to" $to "ports" (include "twinpin.serverPorts" . | fromJsonArray)) -}}
{{- end -}}
{{- if has .part (list "preprocess" "predict" "serve" "controller") -}}
{{- $api := list (dict "protocol" "TCP" "port" 443) (dict "protocol" "TCP" "port" 6443) -}}
{{- $rules = append $rules (dict "to" $policy.registry) -}}
{{- $rules = append $rules (dict "to" $policy.apiServer "ports" $api) -}}
{{- end -}}
{{- if include "twinpin.readsFeatures" . -}}
{{- $rules = append $rules (dict "to" $policy.store) -}}
{{- end -}}
{{- if and .root.Values.tracing.endpoint (not (has .part (list "graph" "controller"))) -}}
{{- $rules = append $rules (dict "to" $policy.collector) -}}
{{- end -}}
{{- toJson $rules -}}
{{- end -}}


{{/* Policies of workloads: dict "root" "controller". */}}
{{- define "twinpin.networkPolicies" -}}
{{- if .root.Values.networkPolicy.enabled }}
{{- $root := .root }}
{{- $workloads := include "twinpin.workloads" .root | fromJsonArray }}
{{- range include "twinpin.made" . | fromJsonArray }}
---
{{ include "twinpin.networkPolicy" (dict "root" $root "part" .part "name" .name "selector" .selector "workloads" $workloads) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The policy of one: dict "root" "part" "name" "selector" "workloads". */}}
{{- define "twinpin.networkPolicy" -}}
{{- $policy := .root.Values.networkPolicy -}}
{{- $callers := include "twinpin.callers" . | fromJsonArray -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}
  labels:
    {{- include "twinpin.labels" (dict "root" .root "component" .part) | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{ toJson .selector }}
  policyTypes: [Ingress, Egress]
  {{- if ne .part "controller" }}
  ingress:
    - ports: {{ include "twinpin.serverPorts" .root }}
      {{- with $callers }}
      from:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- if and $policy.monitoring (ne .part "graph") }}
    - ports: [{protocol: TCP, port: 8080}]
      from:
        {{- toYaml $policy.monitoring | nindent 8 }}
    {{- end }}
  {{- else if or $policy.webhooks $policy.monitoring }}
  ingress:
    - ports: [{protocol: TCP, port: 8080}]
      from:
        {{- concat $policy.webhooks $policy.monitoring | toYaml | nindent 8 }}
  {{- end }}
  egress:
    - ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
    {{- range include "twinpin.callees" . | fromJsonArray }}
    - {{ toJson . }}
    {{- end }}
{{- end -}}
