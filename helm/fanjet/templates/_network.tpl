{{/* What every program may reach: names and NATS. */}}
{{- define "fanjet.egressToNats" -}}
# Names.
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
- ports:
    {{- range .Values.networkPolicy.natsPorts }}
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
  {{- with .Values.networkPolicy.natsTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
