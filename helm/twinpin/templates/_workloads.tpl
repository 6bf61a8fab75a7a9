{{/* Workloads: every Deployment of the release, ours and KServe's, for what is said of each alike. */}}

{{/* A JSON list of {part, name, deployment, selector}: what objects of ours about it are called, what it is called
     itself, and the labels of its pods. An autoscaler is never called as its Deployment: KServe would take it
     for its own, and delete it because of the class `external`. */}}
{{- define "twinpin.workloads" -}}
{{- $name := include "twinpin.fullname" . -}}
{{- $all := list -}}
{{- range $part := include "twinpin.parts" . | fromJsonArray -}}
{{- range $rollout := include "twinpin.rollouts" (dict "root" $ "part" $part) | fromJsonArray -}}
{{- $names := dict "root" $ "part" $part "rollout" $rollout -}}
{{- $all = append $all (dict "part" $part "name" (include "twinpin.isvc" $names) "deployment" (include "twinpin.predictor" $names) "selector" (include "twinpin.app" $names | fromYaml)) -}}
{{- end -}}
{{- end -}}
{{- if eq .Values.topology "graph" -}}
{{- $gateway := include "twinpin.selector" (dict "root" . "component" "gateway") | fromYaml -}}
{{- $all = append $all (dict "part" "gateway" "name" (printf "%s-gateway" $name) "deployment" (printf "%s-gateway" $name) "selector" $gateway) -}}
{{- end -}}
{{- if include "twinpin.hasGraph" . -}}
{{- $all = append $all (dict "part" "graph" "name" $name "deployment" $name "selector" (dict "app" (printf "isvc.%s" $name))) -}}
{{- end -}}
{{- toJson $all -}}
{{- end -}}

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
