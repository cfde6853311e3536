{{/* What every program may reach: DNS and NATS. */}}
{{- define "fanjet.egressToNats" -}}
# DNS.
- ports:
    - { port: 53, protocol: UDP }
    - { port: 53, protocol: TCP }
{{- if .Values.nats.enabled }}
- to:
    - podSelector:
        matchLabels:
          {{- include "fanjet.selectorLabels" (dict "root" . "component" "nats") | nindent 10 }}
  ports:
    - { port: 4222, protocol: TCP }
{{- else }}
{{ include "fanjet.egressTo" (dict "ports" .Values.networkPolicy.natsPorts "to" .Values.networkPolicy.natsTo) }}
{{- end }}
{{- end }}

{{/* Takes (dict "ports" list "to" list); an empty "to" is anywhere. */}}
{{- define "fanjet.egressTo" -}}
- ports:
    {{- range .ports }}
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
