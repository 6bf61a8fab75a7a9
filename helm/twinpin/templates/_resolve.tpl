{{/* Resolve: the init container that lays the rollout's pair on an emptyDir. It alone of its pod may ask the API server. */}}

{{/* The init container: dict "root" "rollout". */}}
{{- define "twinpin.resolveContainer" -}}
{{- $values := .root.Values.resolve -}}
- name: resolve
  image: {{ include "twinpin.image" (dict "root" .root "target" "resolve" "image" "") }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: [resolve]
  terminationMessagePolicy: FallbackToLogsOnError # the reason shows in `kubectl describe pod`
  envFrom:
    - configMapRef: {name: {{ include "twinpin.fullname" .root }}-pair}
    {{- with .root.Values.registry.envFrom }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  env:
    {{- $settings := dict
      "PAIR_DIR" "/mnt/pair"
      "RESOLVE_DEADLINE" $values.deadline
      "ROLLOUT" .rollout -}}
    {{- if include "twinpin.byController" . -}}
    {{- $settings = set $settings "PINS_DIR" "/mnt/pins" -}}
    {{- else -}}
    {{- $settings = set $settings "PINS_CONFIGMAP" (printf "%s-pair" (include "twinpin.fullname" .root)) -}}
    {{- end -}}
    {{- if $values.cache.volume -}}
    {{- $settings = merge $settings (dict "CACHE_DIR" "/mnt/cache" "CACHE_KEEP" $values.cache.keep) -}}
    {{- end -}}
    {{- include "twinpin.settings" (dict "settings" $settings) | nindent 4 }}
    {{- include "twinpin.fetchEnv" . | trim | nindent 4 }}
  {{- with $values.resources }}
  resources: {{ toJson . }}
  {{- end }}
  {{- include "twinpin.containerSecurity" .root | nindent 2 }}
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
    - {name: pair, mountPath: /mnt/pair}
    {{- if include "twinpin.byController" . }}
    - {name: pin, mountPath: /mnt/pins, readOnly: true}
    {{- end }}
    {{- include "twinpin.fetchMounts" . | trim | nindent 4 }}
{{- end -}}

{{/* Environment of whoever asks registry and API server: which pod it is, and credentials: dict "root". */}}
{{- define "twinpin.fetchEnv" -}}
{{- range $name, $path := dict "POD_NAME" "metadata.name" "POD_NAMESPACE" "metadata.namespace" "POD_UID" "metadata.uid" }}
- name: {{ $name }}
  valueFrom: {fieldRef: {fieldPath: {{ $path }}}}
{{- end }}
{{- with .root.Values.registry.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What it mounts beside the pair's folder: dict "root". */}}
{{- define "twinpin.fetchMounts" -}}
{{- $values := .root.Values.resolve -}}
- {name: api-access, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
{{- if $values.cache.volume }}
- {name: cache, mountPath: /mnt/cache}
{{- end }}
{{- with $values.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The volumes that it needs: dict "root" "part" "rollout". Where a controller made the Pin before the pod, the pod finds it
     as a file, and needs no right to read it. */}}
{{- define "twinpin.resolveVolumes" -}}
- name: pair
  emptyDir: {sizeLimit: {{ .root.Values.resolve.pairSize }}}
{{ include "twinpin.apiAccess" . }}
{{- if include "twinpin.byController" . }}
- name: pin
  configMap:
    name: {{ include "twinpin.fullname" .root }}-pair-{{ .rollout }}
    items: [{key: pin.json, path: {{ printf "%s.json" .rollout | quote }}}]
{{- end }}
{{- with .root.Values.resolve.cache.volume }}
- name: cache
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.resolve.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The volume with the token of the pod's ServiceAccount, for the one container that mounts it. */}}
{{- define "twinpin.apiAccess" -}}
- name: api-access
  projected:
    defaultMode: 0444
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3600}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
      - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
{{- end -}}
