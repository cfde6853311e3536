{{/* What the chart decides, over what the user says. */}}
{{- define "fanjet.edge.config" -}}
{{- $own := dict
  "http" (dict "listen" "0.0.0.0:6008")
  "drain" (dict "deadline" (printf "%ds" (int .Values.edge.drainSeconds)))
  "nats" (include "fanjet.nats.settings" (dict "root" $ "user" "edge") | fromYaml)
  "filter_bucket" (include "fanjet.nats.filterBucket" (dict "root" $ "user" "edge") | fromYaml)
  "ops" (dict "listen" "0.0.0.0:6009")
  "telemetry" (dict "log" .Values.logging.level "format" .Values.logging.format) -}}
{{- mergeOverwrite (deepCopy .Values.edge.config) $own | toYaml -}}
{{- end -}}

{{- define "fanjet.edge.gracePeriod" -}}
{{- default (add .Values.edge.preStopSeconds .Values.edge.drainSeconds 5) .Values.edge.terminationGracePeriodSeconds | int -}}
{{- end -}}

{{/* Whether something else decides how many there are. */}}
{{- define "fanjet.edge.isScaled" -}}
{{- if or .Values.edge.autoscaling.enabled .Values.edge.autoscaling.keda.enabled }}yes{{ end -}}
{{- end -}}
