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
{{- $from = append $from (dict "podSelector" (dict "matchLabels" .selector)) -}}
{{- end -}}
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
{{- $to = append $to (dict "podSelector" (dict "matchLabels" .selector)) -}}
{{- end -}}
{{- end -}}
{{- toJson $to -}}
{{- end -}}

{{/* What a part calls, as a JSON list of egress rules beside DNS: dict "root" "part" "workloads". */}}
{{- define "twinpin.callees" -}}
{{- $policy := .root.Values.networkPolicy -}}
{{- $rules := list -}}
{{- if has .part (list "gateway" "graph") -}}
{{- $parts := list "features" "preprocess" "predict" -}}
{{- if eq .part "gateway" -}}{{- $parts = append $parts "graph" -}}{{- end -}}
{{- $to := include "twinpin.podsOf" (dict "workloads" .workloads "parts" $parts) | fromJsonArray -}}
{{- $rules = append $rules (dict "to" $to "ports" (include "twinpin.serverPorts" . | fromJsonArray)) -}}
{{- end -}}
{{- if has .part (list "preprocess" "predict" "serve") -}}
{{- $api := list (dict "protocol" "TCP" "port" 443) (dict "protocol" "TCP" "port" 6443) -}}
{{- $rules = append $rules (dict "to" $policy.registry) -}}
{{- $rules = append $rules (dict "to" $policy.apiServer "ports" $api) -}}
{{- end -}}
{{- if include "twinpin.readsFeatures" . -}}
{{- $rules = append $rules (dict "to" $policy.store) -}}
{{- end -}}
{{- toJson $rules -}}
{{- end -}}
