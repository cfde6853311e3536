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

{{/* A key that is set twice is rendered once: commonLabels win over all but the selectors. */}}
{{- define "fanjet.labels" -}}
{{- $own := dict
  "app.kubernetes.io/version" .root.Chart.AppVersion
  "app.kubernetes.io/managed-by" .root.Release.Service
  "app.kubernetes.io/part-of" "fanjet"
  "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_") -}}
{{- merge (include "fanjet.selectorLabels" . | fromYaml) (deepCopy .root.Values.commonLabels) $own | toYaml -}}
{{- end -}}

{{/* Pod labels. None may change without a change of the pod, because a new pod closes connections. Takes also "own" labels. */}}
{{- define "fanjet.podLabels" -}}
{{- $given := dict -}}
{{- with .values }}{{ $given = default dict .podLabels }}{{ end -}}
{{- merge (include "fanjet.selectorLabels" . | fromYaml) (default dict .own) (deepCopy $given) (deepCopy .root.Values.commonLabels) (dict "app.kubernetes.io/part-of" "fanjet") | toYaml -}}
{{- end -}}

{{- define "fanjet.image" -}}
{{- include "fanjet.imageOf" (merge (dict "tag" (default .Chart.AppVersion .Values.image.tag)) .Values.image) -}}
{{- end -}}

{{/* Takes (dict "repository" ... "tag" ... "digest" ...); the digest wins. */}}
{{- define "fanjet.imageOf" -}}
{{ .repository }}{{ with .digest }}@{{ . }}{{ else }}:{{ .tag }}{{ end }}
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
{{- $spread := default dict .topologySpread }}
{{- if and $spread.enabled (or $spread.zone $spread.host) }}
topologySpreadConstraints:
  {{- range $key, $how := dict "topology.kubernetes.io/zone" $spread.zone "kubernetes.io/hostname" $spread.host }}
  {{- if $how }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: {{ $how }}
    # Nodes on which no pod may start, such as drained ones, need none.
    nodeTaintsPolicy: Honor
    labelSelector:
      matchLabels:
        {{- include "fanjet.selectorLabels" $ | nindent 8 }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "fanjet.podSecurityContext" -}}
{{- toYaml .Values.podSecurityContext -}}
{{- end -}}

{{- define "fanjet.securityContext" -}}
{{- toYaml .Values.securityContext -}}
{{- end -}}

{{/* A checksum of the Secrets of these names, so that a pod restarts when one changes. Without a cluster, as in "helm template",
they cannot be read, and nothing is rendered. Never of the chart's own Secret, which does not exist yet when it is installed.
Takes (dict "root" $ "secrets" list). */}}
{{- define "fanjet.secretsChecksum" -}}
{{- $root := .root -}}
{{- $found := list -}}
{{- range $name := .secrets | compact | uniq | sortAlpha -}}
{{- with lookup "v1" "Secret" $root.Release.Namespace $name }}{{ $found = append $found (dict "name" $name "data" .data) }}{{ end -}}
{{- end -}}
{{- if $found -}}
checksum/secrets: {{ toJson $found | sha256sum }}
{{- end -}}
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
