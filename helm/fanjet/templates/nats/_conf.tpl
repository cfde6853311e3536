{{- define "fanjet.nats.conf" -}}
{{- $fullname := include "fanjet.nats.fullname" . -}}
server_name: $POD_NAME
listen: "0.0.0.0:4222"
http: "0.0.0.0:8222"
pid_file: "/run/nats/nats.pid"
max_payload: 4MB
max_pending: 64MB
write_deadline: "10s"
lame_duck_grace_period: "10s"
lame_duck_duration: "30s"
jetstream {
  store_dir: "/data"
  max_mem: 256M
  sync_interval: {{ .Values.nats.syncInterval }}
}
{{- if gt (int .Values.nats.replicas) 1 }}
cluster {
  name: {{ $fullname }}
  listen: "0.0.0.0:6222"
  routes: [
    {{- range $number := until (int .Values.nats.replicas) }}
    "nats://{{ $fullname }}-{{ $number }}.{{ $fullname }}-headless.{{ $.Release.Namespace }}.svc.{{ $.Values.clusterDomain }}:6222"
    {{- end }}
  ]
}
{{- end }}
include accounts.conf
{{- end -}}
