{{/* Pods: what all pods of ours have in common. */}}

{{/* The restricted Pod Security Standard, for a pod. */}}
{{- define "twinpin.podSecurity" -}}
securityContext:
  runAsNonRoot: true
  {{- with .Values.security.user }}
  runAsUser: {{ int64 . }}
  runAsGroup: {{ int64 . }}
  fsGroup: {{ int64 . }}
  fsGroupChangePolicy: OnRootMismatch
  {{- end }}
  seccompProfile: {type: RuntimeDefault}
automountServiceAccountToken: false
enableServiceLinks: false
{{- end -}}

{{/* The same for a container. */}}
{{- define "twinpin.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  capabilities: {drop: [ALL]}
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* Where a pod goes, and who pulls its images: dict "root" "values" "selector", the last one the labels of its kind. */}}
{{- define "twinpin.placement" -}}
{{- $spread := .values.topologySpreadConstraints -}}
{{- if kindIs "invalid" $spread -}}
{{- $alike := dict "matchLabels" (fromYaml .selector) -}}
{{- $spread = list (dict "maxSkew" 1 "topologyKey" "kubernetes.io/hostname" "whenUnsatisfiable" "ScheduleAnyway" "labelSelector" $alike) -}}
{{- end -}}
{{- $placement := dict
  "affinity" .values.affinity
  "imagePullSecrets" .root.Values.image.pullSecrets
  "nodeSelector" .values.nodeSelector
  "priorityClassName" .values.priorityClassName
  "tolerations" .values.tolerations
  "topologySpreadConstraints" $spread -}}
{{- range $field, $value := $placement -}}
{{- if empty $value -}}{{- $_ := unset $placement $field -}}{{- end -}}
{{- end -}}
{{- with $placement -}}{{- toYaml . -}}{{- end -}}
{{- end -}}

{{/* Environment of a server, one TWINPIN_ variable per entry of "settings" that is not empty: dict "settings". */}}
{{- define "twinpin.settings" -}}
{{- $env := list -}}
{{- range $name, $value := .settings -}}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "")) -}}
{{- $env = append $env (dict "name" (print "TWINPIN_" $name) "value" (include "twinpin.text" $value)) -}}
{{- end -}}
{{- end -}}
{{- toYaml $env -}}
{{- end -}}

{{/* A value as text; Helm reads numbers as floats, and would write a large one with an exponent. */}}
{{- define "twinpin.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}
{{- end -}}

{{/* What every server is told: dict "root" "values" "timeout". */}}
{{- define "twinpin.serverSettings" -}}
{{- $server := .root.Values.server -}}
{{- dict
  "DRAIN_TIMEOUT" .root.Values.drain.timeout
  "DRAIN_WAIT" .root.Values.drain.wait
  "LOG_LEVEL" $server.logLevel
  "LOG_REQUESTS" $server.logRequests
  "MAX_BODY_BYTES" $server.maxBodyBytes
  "MAX_IN_FLIGHT" .values.maxInFlight
  "MAX_ROWS" $server.maxRows
  "REQUEST_TIMEOUT" .timeout
  "THREADS" .values.threads
  | toJson -}}
{{- end -}}

{{/* Environment of a server that sends traces, by OpenTelemetry's own variables; empty where none are wanted:
     dict "root" "part". */}}
{{- define "twinpin.tracing" -}}
{{- with .root.Values.tracing -}}
{{- if .endpoint -}}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .endpoint | quote }}}
- {name: OTEL_SERVICE_NAME, value: {{ printf "%s-%s" (include "twinpin.fullname" $.root) $.part | quote }}}
- {name: OTEL_TRACES_SAMPLER, value: parentbased_traceidratio}
- {name: OTEL_TRACES_SAMPLER_ARG, value: {{ toString .samplerRatio | quote }}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Seconds that a pod has to stop: what it waits, what it gives requests, and some to close. */}}
{{- define "twinpin.grace" -}}
{{- add (ceil .Values.drain.wait) (ceil .Values.drain.timeout) 10 -}}
{{- end -}}

{{/* Probes of a server: dict "ready" "waits". A start may take 5 minutes, in which artifacts are verified and warmed up, after
     what it may wait for its pair. */}}
{{- define "twinpin.probes" -}}
startupProbe:
  httpGet: {path: {{ .ready }}, port: 8080}
  periodSeconds: 2
  timeoutSeconds: 3
  failureThreshold: {{ add 150 (div (int .waits | default 0) 2) }}
readinessProbe:
  httpGet: {path: {{ .ready }}, port: 8080}
  periodSeconds: 2
  timeoutSeconds: 3
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /v2/health/live, port: 8080}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}
