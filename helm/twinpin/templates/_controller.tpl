{{/* Controller: what it may make. */}}

{{/* Rules for the kinds of its template, as a JSON list. Those of a kind that is switched off may still be removed. */}}
{{- define "twinpin.rolloutKinds" -}}
{{- $make := list "list" "create" "patch" "delete" -}}
{{- $remove := list "list" "delete" -}}
{{- $scaled := and .Values.autoscaling.enabled (not .Values.keda.enabled) -}}
{{- toJson (list
  (dict "apiGroups" (list "serving.kserve.io") "resources" (list "inferenceservices") "verbs" $make)
  (dict "apiGroups" (list "") "resources" (list "services") "verbs" $make)
  (dict "apiGroups" (list "keda.sh") "resources" (list "scaledobjects") "verbs" (.Values.keda.enabled | ternary $make $remove))
  (dict "apiGroups" (list "autoscaling") "resources" (list "horizontalpodautoscalers") "verbs" ($scaled | ternary $make $remove))
  (dict "apiGroups" (list "policy") "resources" (list "poddisruptionbudgets") "verbs" (.Values.podDisruptionBudget.enabled | ternary $make $remove))
  (dict "apiGroups" (list "networking.k8s.io") "resources" (list "networkpolicies") "verbs" (.Values.networkPolicy.enabled | ternary $make $remove))
) -}}
{{- end -}}
