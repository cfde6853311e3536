{{/* Values that the chart sets, overriding the user's. */}}
{{- define "fanjet.ingest.config" -}}
{{- $own := dict
  "ingest" (dict
    "upstream" (dict "url" .Values.upstream.url "name" .Values.upstream.name)
    "pipeline" (dict "drain_timeout" (printf "%ds" (int .Values.ingest.drainSeconds))))
  "nats" (include "fanjet.nats.settings" (dict "root" $ "user" "ingest") | fromYaml)
  "raw" .Values.raw
  "ops" (dict "listen" "0.0.0.0:6009")
  "otlp" (dict "endpoint" .Values.otlp.endpoint "metrics_interval" .Values.otlp.metricsInterval)
  "telemetry" (dict "log" .Values.logging.level "format" .Values.logging.format) -}}
{{- mergeOverwrite (deepCopy .Values.ingest.config) $own | toYaml -}}
{{- end -}}
