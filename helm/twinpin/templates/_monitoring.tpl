{{/* Monitoring: what Prometheus is told to read, and when it wakes somebody. */}}

{{/* Groups of alerts that fit the release, as a JSON list of names: files/alerts has one file for each. */}}
{{- define "twinpin.alertGroups" -}}
{{- $names := list "requests" -}}
{{- if include "twinpin.hasFeatures" . -}}{{- $names = append $names "features" -}}{{- end -}}
{{- if and (include "twinpin.hasController" .) .Values.controller.replicas -}}{{- $names = append $names "controller" -}}{{- end -}}
{{- if include "twinpin.follows" . -}}{{- $names = append $names "following" -}}{{- end -}}
{{- append $names "drift" | toJson -}}
{{- end -}}

{{/* What stands for each word between two @ in them, as a JSON object. A step counts what others ask it for, so clients are those
     of the gateway, or of the one process that has all steps; Prometheus knows no component outside of a cluster. */}}
{{- define "twinpin.alertWords" -}}
{{- $own := printf "namespace=%q, job=%q" .Release.Namespace .Release.Name -}}
{{- $entities := `endpoint=~"/predict/feast.*"` -}}
{{- if eq .Values.topology "graph" -}}
{{- $entities = `app_kubernetes_io_component="features", endpoint=~"infer|grpc_infer"` -}}
{{- end -}}
{{- merge (dict
  "series" (.Values.monitoring.rules.series | default $own)
  "clients" `app_kubernetes_io_component!~"features|preprocess|predict", endpoint=~"/predict.*|infer|grpc_infer"`
  "failed" `status=~"5..|INTERNAL|UNAVAILABLE|DEADLINE_EXCEEDED"`
  "entities" $entities
  ) .Values.monitoring.rules.thresholds | toJson -}}
{{- end -}}

{{/* One group, with all words said, as JSON: dict "root" "name". */}}
{{- define "twinpin.alertGroup" -}}
{{- $rules := .root.Values.monitoring.rules -}}
{{- $text := .root.Files.Get (printf "files/alerts/%s.yaml" .name) -}}
{{- range $word, $said := include "twinpin.alertWords" .root | fromJson -}}
{{- $text = replace (printf "@%s@" $word) (include "twinpin.text" $said) $text -}}
{{- end -}}
{{- $group := fromYaml $text -}}
{{- $kept := list -}}
{{- range $group.rules -}}
{{- if not (has .alert $rules.without) -}}
{{- $_ := set .annotations "runbook_url" (print $rules.runbookUrl .annotations.runbook_url) -}}
{{- $kept = append $kept (merge (dict "labels" (merge .labels $rules.alertLabels)) .) -}}
{{- end -}}
{{- end -}}
{{- set $group "rules" $kept | toJson -}}
{{- end -}}
