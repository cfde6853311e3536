{{/* Names, labels, and parts that several pods share. */}}

{{- define "fanjet.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "fanjet.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "fanjet.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "fanjet.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that never change: selectors. Takes (dict "root" $ "component" "edge"). */}}
{{- define "fanjet.selectorLabels" -}}
app.kubernetes.io/name: {{ include "fanjet.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "fanjet.labels" -}}
{{ include "fanjet.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: fanjet
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Pod labels. None may change without a change of the pod, because a new pod closes connections. */}}
{{- define "fanjet.podLabels" -}}
{{ include "fanjet.selectorLabels" . }}
app.kubernetes.io/part-of: fanjet
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "fanjet.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "fanjet.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "fanjet.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Metadata of every pod. Takes (dict "root" $ "component" ... "values" .Values.edge). */}}
{{- define "fanjet.podSettings" -}}
serviceAccountName: {{ include "fanjet.serviceAccountName" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if and .topologySpread .topologySpread.enabled }}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: {{ $.values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "fanjet.selectorLabels" $ | nindent 8 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "fanjet.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "fanjet.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Three questions: has it ever reached the log, can it work now, does it respond at all. */}}
{{- define "fanjet.probes" -}}
# The ops port opens once the log has been reached; until then the pod is starting.
startupProbe:
  httpGet: { path: /livez, port: ops }
  periodSeconds: 5
  failureThreshold: 120
readinessProbe:
  httpGet: { path: /readyz, port: ops }
  periodSeconds: 5
  failureThreshold: 2
livenessProbe:
  httpGet: { path: /livez, port: ops }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}

{{/* Settings as TOML. Takes a map of sections. YAML's numbers are floats; most numbers here are integers. */}}
{{- define "fanjet.toml" -}}
{{- range $section, $keys := . }}
{{- include "fanjet.tomlSection" (dict "name" $section "keys" $keys) }}
{{- end }}
{{- end -}}

{{- define "fanjet.tomlSection" -}}
{{- $name := .name }}
{{- $sections := dict }}
{{- $lines := list }}
{{- range $key, $value := .keys }}
{{- if kindIs "map" $value }}
{{- $_ := set $sections $key $value }}
{{- else if and (kindIs "float64" $value) (ne $value (floor $value)) }}
{{- $lines = append $lines (printf "%s = %v" $key $value) }}
{{- else if or (kindIs "float64" $value) (kindIs "int64" $value) (kindIs "int" $value) }}
{{- $lines = append $lines (printf "%s = %d" $key (int64 $value)) }}
{{- else if not (kindIs "invalid" $value) }}
{{- $lines = append $lines (printf "%s = %s" $key (toJson $value)) }}
{{- end }}
{{- end }}
[{{ $name }}]
{{ range $lines }}
{{- . }}
{{ end }}
{{- range $key, $value := $sections }}
{{- include "fanjet.tomlSection" (dict "name" (printf "%s.%s" $name $key) "keys" $value) }}
{{- end }}
{{- end -}}

{{/* The collector's headers, which the exporter reads from this variable. */}}
{{- define "fanjet.otlp.env" -}}
{{- with .Values.otlp.headersSecret -}}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef: { name: {{ . }}, key: {{ $.Values.otlp.headersKey }} }
{{- end -}}
{{- end -}}
