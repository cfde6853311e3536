{{/* Whether this release reads labelers. Its edges may serve the log of labels without that. */}}
{{- define "fanjet.labels.runs" -}}
{{- if and .Values.labels.enabled (gt (int .Values.labels.replicas) 0) }}yes{{ end -}}
{{- end -}}

{{/* Section [labels], as a map in YAML: without labelers there is no log of labels. */}}
{{- define "fanjet.labels.settings" -}}
{{- ternary .Values.labels.settings (dict "labelers" list) .Values.labels.enabled | toYaml -}}
{{- end -}}

{{/* Values that the chart sets, overriding the user's. */}}
{{- define "fanjet.labelers.config" -}}
{{- $own := dict
  "ingest" (dict "pipeline" (dict "drain_timeout" (printf "%ds" (int .Values.labels.drainSeconds))))
  "labels" (include "fanjet.labels.settings" . | fromYaml)
  "nats" (include "fanjet.nats.settings" (dict "root" $ "user" "labels") | fromYaml)
  "ops" (dict "listen" "0.0.0.0:6009")
  "otlp" (dict "endpoint" .Values.otlp.endpoint "metrics_interval" .Values.otlp.metricsInterval)
  "telemetry" (dict "log" .Values.logging.level "format" .Values.logging.format) -}}
{{- mergeOverwrite (deepCopy .Values.labels.config) $own | toYaml -}}
{{- end -}}
