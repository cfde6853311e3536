{{/* Values that the chart sets, overriding the user's. */}}
{{- define "fanjet.edge.config" -}}
{{- $seconds := int .Values.edge.drainSeconds -}}
{{- $http := dict "listen" "0.0.0.0:6008" -}}
{{- with .Values.edge.trustedProxies }}{{ $_ := set $http "trusted_proxies" . }}{{ end -}}
{{- if .Values.edge.tls.existingSecret }}{{ $_ := set $http "tls_certificate" "/etc/fanjet/tls/tls.crt" }}{{ $_ := set $http "tls_key" "/etc/fanjet/tls/tls.key" }}{{ end -}}
{{- /* Without trusted proxies, all clients behind a proxy, or behind a Service with SNAT, share one address. */ -}}
{{- $unless := dict -}}
{{- if empty .Values.edge.trustedProxies -}}
{{- $_ := set $unless "edge" (dict "http" (dict "max_subscribers_per_address" 0 "max_connections_per_address" 0) "raw" (dict "max_subscribers_per_address" 0 "max_proxied_per_address" 0) "labels" (dict "max_subscribers_per_address" 0) "limits" (dict "max_replay_bytes_per_second" 0 "max_messages_per_second" 0 "max_sent_bytes_per_second" 0 "max_inbound_bytes_per_address" 0 "max_filter_bytes_per_address" 0)) -}}
{{- end -}}
{{- /* The relay that is read answers over HTTP, too. */ -}}
{{- if .Values.raw.enabled -}}
{{- $host := regexFind "^wss?://[^/?]+" .Values.upstream.url | replace "wss://" "https://" | replace "ws://" "http://" -}}
{{- $unless = merge $unless (dict "edge" (dict "raw" (dict "upstream_http" $host))) -}}
{{- end -}}
{{- $limits := dict -}}
{{- if .Values.edge.apiKeys.existingSecret }}{{ $_ := set $limits "api_keys" "/etc/fanjet/api-keys/keys.toml" }}{{ end -}}
{{- $drain := dict "deadline" (printf "%ds" $seconds) "spread" (printf "%ds" (div (mul $seconds 3) 4)) -}}
{{- $edge := dict "http" $http "limits" $limits "drain" $drain -}}
{{- if include "fanjet.edge.hasDisk" . -}}
{{- $_ := set $edge "disk" (dict "path" "/var/lib/fanjet/disk" "max_bytes" (include "fanjet.edge.diskBytes" . | int64)) -}}
{{- end -}}
{{- $own := dict
  "edge" $edge
  "nats" (include "fanjet.nats.settings" (dict "root" $ "user" "edge") | fromYaml)
  "raw" .Values.raw
  "labels" (include "fanjet.labels.settings" . | fromYaml)
  "ops" (dict "listen" "0.0.0.0:6009")
  "otlp" (dict "endpoint" .Values.otlp.endpoint "metrics_interval" .Values.otlp.metricsInterval)
  "telemetry" (dict "log" .Values.logging.level "format" .Values.logging.format) -}}
{{- mergeOverwrite $unless (deepCopy .Values.edge.config) $own | toYaml -}}
{{- end -}}

{{- define "fanjet.edge.gracePeriod" -}}
{{- default (add .Values.edge.preStopSeconds .Values.edge.drainSeconds 5) .Values.edge.terminationGracePeriodSeconds | int -}}
{{- end -}}

{{/* Whether an autoscaler decides the number of replicas. */}}
{{- define "fanjet.edge.isScaled" -}}
{{- if or .Values.edge.autoscaling.enabled .Values.edge.autoscaling.keda.enabled }}yes{{ end -}}
{{- end -}}

{{/* Whether pods have a local tier. A node that serves only some collections could not keep all events. */}}
{{- define "fanjet.edge.hasDisk" -}}
{{- $collections := dig "edge" "tail" "collections" list .Values.edge.config -}}
{{- if and .Values.edge.disk.enabled (empty $collections) }}yes{{ end -}}
{{- end -}}

{{/* The bytes of the local tier: below the volume's size, because a pod that exceeds that is evicted. */}}
{{- define "fanjet.edge.diskBytes" -}}
{{- mulf (include "fanjet.bytes" .Values.edge.disk.size | float64) 0.8 | floor | int64 -}}
{{- end -}}

{{/* A pod that uses more of its node's disk than it requests is among the first to be evicted. */}}
{{- define "fanjet.edge.resources" -}}
{{- $resources := deepCopy .Values.edge.resources -}}
{{- if and (include "fanjet.edge.hasDisk" .) (empty .Values.edge.disk.volume) -}}
{{- $requested := dict "requests" (dict "ephemeral-storage" .Values.edge.disk.size) -}}
{{- $resources = mergeOverwrite $requested $resources -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}
