{{/* Workloads: every Deployment of the release, ours and KServe's, for what is said of each alike. */}}

{{/* A JSON list of {part, rollout, name, deployment, selector, peer}: what objects of ours about it are called, what it is
     called itself, the labels of its pods, and those by which others know them, which a controller's rollouts share. An autoscaler is never called as its Deployment: KServe would take it
     for its own, and delete it because of the class `external`. */}}
{{- define "twinpin.workloads" -}}
{{- $name := include "twinpin.fullname" . -}}
{{- $all := list -}}
{{- range $part := include "twinpin.parts" . | fromJsonArray -}}
{{- range $rollout := include "twinpin.rollouts" (dict "root" $ "part" $part) | fromJsonArray -}}
{{- $names := dict "root" $ "part" $part "rollout" $rollout -}}
{{- $selector := include "twinpin.app" $names | fromYaml -}}
{{- $peer := include "twinpin.byController" $names | empty | ternary $selector (include "twinpin.selector" (dict "root" $ "component" $part) | fromYaml) -}}
{{- $all = append $all (dict "part" $part "rollout" $rollout "name" (include "twinpin.isvc" $names) "deployment" (include "twinpin.predictor" $names) "selector" $selector "peer" $peer) -}}
{{- end -}}
{{- end -}}
{{- if eq .Values.topology "graph" -}}
{{- $gateway := include "twinpin.selector" (dict "root" . "component" "gateway") | fromYaml -}}
{{- $all = append $all (dict "part" "gateway" "name" (printf "%s-gateway" $name) "deployment" (printf "%s-gateway" $name) "selector" $gateway "peer" $gateway) -}}
{{- end -}}
{{- if include "twinpin.hasGraph" . -}}
{{- $router := dict "app" (printf "isvc.%s" $name) -}}
{{- $all = append $all (dict "part" "graph" "name" $name "deployment" $name "selector" $router "peer" $router) -}}
{{- end -}}
{{- toJson $all -}}
{{- end -}}

{{/* Not empty where the controller makes a part, once for each pair: dict "root" "part". */}}
{{- define "twinpin.byController" -}}
{{- if and (include "twinpin.hasController" .root) (has .part (list "preprocess" "predict")) -}}yes{{- end -}}
{{- end -}}

{{/* Those of them whose objects are made here: dict "root" "controller", the last one whether it is the controller that
     makes them, from its template. */}}
{{- define "twinpin.made" -}}
{{- $made := list -}}
{{- range include "twinpin.workloads" .root | fromJsonArray -}}
{{- if eq $.controller (include "twinpin.byController" (dict "root" $.root "part" .part) | not | not) -}}
{{- $made = append $made . -}}
{{- end -}}
{{- end -}}
{{- toJson $made -}}
{{- end -}}

{{/* Budgets of workloads: dict "root" "controller". */}}
{{- define "twinpin.disruptionBudgets" -}}
{{- if .root.Values.podDisruptionBudget.enabled }}
{{- $root := .root }}
{{- range include "twinpin.made" . | fromJsonArray }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  labels:
    {{- include "twinpin.labels" (dict "root" $root "component" .part) | nindent 4 }}
spec:
  maxUnavailable: 1 # never none: a part with one pod must not hold up a drain
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{ toJson .selector }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Headless Services of the parts, dict "root" "controller": the gateway spreads gRPC over all pods, where a Service with one
     address would pin it to one. */}}
{{- define "twinpin.directServices" -}}
{{- if eq .root.Values.topology "graph" }}
{{- $root := .root }}
{{- range include "twinpin.made" . | fromJsonArray }}
{{- if not (has .part (list "gateway" "graph")) }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}-direct
  labels:
    {{- include "twinpin.labels" (dict "root" $root "component" .part) | nindent 4 }}
    {{- if include "twinpin.hasPair" . }}
    twinpin.dev/rollout: {{ .rollout | quote }}
    {{- end }}
spec:
  clusterIP: None
  publishNotReadyAddresses: false
  selector:
    {{- toYaml .selector | nindent 4 }}
  ports:
    - {name: http, port: 8080, targetPort: 8080}
    - {name: grpc, port: 8081, targetPort: 8081, appProtocol: kubernetes.io/h2c}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
