{{/* Values that the chart sets, overriding the user's. */}}
{{- define "fanjet.kafka.config" -}}
{{- $v := .Values.kafka -}}
{{- $tls := dict "enabled" $v.tls.enabled -}}
{{- if $v.tls.caSecret }}{{ $_ := set $tls "ca_file" (printf "/etc/fanjet/kafka-ca/%s" $v.tls.caKey) }}{{ end -}}
{{- if $v.tls.certificateSecret -}}
{{- $_ := set $tls "certificate_file" "/etc/fanjet/kafka-certificate/tls.crt" -}}
{{- $_ := set $tls "key_file" "/etc/fanjet/kafka-certificate/tls.key" -}}
{{- end -}}
{{- $kafka := dict
  "bootstrap_servers" $v.bootstrapServers
  "topic" $v.topic
  "request_timeout" (printf "%ds" (int $v.requestTimeoutSeconds))
  "shard" (dict "count" $v.shards)
  "sasl" (dict "mechanism" $v.sasl.mechanism)
  "tls" $tls -}}
{{- $own := dict
  "kafka" $kafka
  "nats" (include "fanjet.nats.settings" (dict "root" $ "user" "kafka") | fromYaml)
  "ops" (dict "listen" "0.0.0.0:6009")
  "otlp" (dict "endpoint" .Values.otlp.endpoint "metrics_interval" .Values.otlp.metricsInterval)
  "telemetry" (dict "log" .Values.logging.level "format" .Values.logging.format) -}}
{{- mergeOverwrite (deepCopy $v.config) $own | toYaml -}}
{{- end -}}

{{/* Whether accounts are looked up. */}}
{{- define "fanjet.kafka.looksUp" -}}
{{- if dig "kafka" "enrich" "enabled" true .Values.kafka.config }}yes{{ end -}}
{{- end -}}

{{/* Broker credentials as environment variables. */}}
{{- define "fanjet.kafka.env" -}}
{{- with .Values.kafka.sasl.existingSecret }}
- name: FANJET_KAFKA__SASL__USERNAME
  valueFrom:
    secretKeyRef: { name: {{ . }}, key: username }
- name: FANJET_KAFKA__SASL__PASSWORD
  valueFrom:
    secretKeyRef: { name: {{ . }}, key: password }
{{- end }}
{{- end -}}

{{- define "fanjet.kafka.volumes" -}}
{{- $tls := .Values.kafka.tls -}}
{{- if $tls.caSecret }}
- name: kafka-ca
  secret:
    secretName: {{ $tls.caSecret }}
    items: [{ key: {{ $tls.caKey }}, path: {{ $tls.caKey }} }]
{{- end }}
{{- if $tls.certificateSecret }}
- name: kafka-certificate
  secret:
    secretName: {{ $tls.certificateSecret }}
    items: [{ key: tls.crt, path: tls.crt }, { key: tls.key, path: tls.key }]
{{- end }}
{{- end -}}

{{- define "fanjet.kafka.volumeMounts" -}}
{{- if .Values.kafka.tls.caSecret }}
- { name: kafka-ca, mountPath: /etc/fanjet/kafka-ca, readOnly: true }
{{- end }}
{{- if .Values.kafka.tls.certificateSecret }}
- { name: kafka-certificate, mountPath: /etc/fanjet/kafka-certificate, readOnly: true }
{{- end }}
{{- end -}}
