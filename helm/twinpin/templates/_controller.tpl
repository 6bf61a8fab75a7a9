{{/* Controller: what it may make. */}}

{{/* Kinds of the objects in its template, as a JSON list of parts of rules. */}}
{{- define "twinpin.rolloutKinds" -}}
{{- $kinds := list (dict "apiGroups" (list "serving.kserve.io") "resources" (list "inferenceservices")) -}}
{{- $kinds = append $kinds (dict "apiGroups" (list "") "resources" (list "services")) -}}
{{- if .Values.keda.enabled -}}
{{- $kinds = append $kinds (dict "apiGroups" (list "keda.sh") "resources" (list "scaledobjects")) -}}
{{- else if .Values.autoscaling.enabled -}}
{{- $kinds = append $kinds (dict "apiGroups" (list "autoscaling") "resources" (list "horizontalpodautoscalers")) -}}
{{- end -}}
{{- if .Values.podDisruptionBudget.enabled -}}
{{- $kinds = append $kinds (dict "apiGroups" (list "policy") "resources" (list "poddisruptionbudgets")) -}}
{{- end -}}
{{- if .Values.networkPolicy.enabled -}}
{{- $kinds = append $kinds (dict "apiGroups" (list "networking.k8s.io") "resources" (list "networkpolicies")) -}}
{{- end -}}
{{- toJson $kinds -}}
{{- end -}}
