{{- define "fanjet.nats.conf" -}}
{{- $fullname := include "fanjet.nats.fullname" . -}}
server_name: $POD_NAME
listen: "0.0.0.0:4222"
http: "0.0.0.0:8222"
pid_file: "/run/nats/nats.pid"
max_payload: 8MB
max_pending: 64MB
write_deadline: "10s"
lame_duck_grace_period: "10s"
lame_duck_duration: "30s"
jetstream {
  store_dir: "/data"
  # Consumers' state. The log is on disk.
  max_mem: 256M
  # Without it a server offers three quarters of what happens to be free when it starts, which changes with every restart.
  max_file: {{ include "fanjet.nats.maxFile" . }}
  sync_interval: {{ .Values.nats.syncInterval }}
  {{- with .Values.nats.domain }}
  domain: {{ . }}
  {{- end }}
}
{{- $leafnodes := .Values.nats.leafnodes }}
{{- if or $leafnodes.enabled $leafnodes.remote.address }}
leafnodes {
  {{- if $leafnodes.enabled }}
  listen: "0.0.0.0:7422"
  authorization { user: leaf, password: $NATS_LEAF_PASSWORD, account: FANJET, timeout: 5 }
  {{- if .Values.nats.tls.existingSecret }}
  tls {
    cert_file: "/etc/nats-tls/tls.crt"
    key_file: "/etc/nats-tls/tls.key"
    timeout: 5
  }
  {{- end }}
  {{- end }}
  {{- if $leafnodes.remote.address }}
  remotes: [{
    # With the password, from the environment.
    url: $NATS_LEAF_REMOTE
    account: FANJET
    # Events and keys of one region reach the other through the mirror only.
    deny_imports: ["atp.>", "atp_raw.>", "atp_labels.>", "$KV.>"]
    deny_exports: ["atp.>", "atp_raw.>", "atp_labels.>", "$KV.>"]
    {{- if .Values.nats.tls.existingSecret }}
    tls { ca_file: "/etc/nats-tls/ca.crt", timeout: 5 }
    {{- end }}
  }]
  {{- end }}
}
{{- end }}
{{- if gt (int .Values.nats.replicas) 1 }}
cluster {
  name: {{ $fullname }}
  listen: "0.0.0.0:6222"
  # A server that joins is every account's server: without a password any pod could be one.
  authorization { user: route, password: $NATS_ROUTE_PASSWORD, timeout: 5 }
  {{- if .Values.nats.tls.existingSecret }}
  tls {
    cert_file: "/etc/nats-tls/tls.crt"
    key_file: "/etc/nats-tls/tls.key"
    ca_file: "/etc/nats-tls/ca.crt"
    timeout: 5
  }
  {{- end }}
  # With the password, from the environment.
  routes: [
    {{- range $number := until (int .Values.nats.replicas) }}
    $NATS_ROUTE_{{ $number }}
    {{- end }}
  ]
}
{{- end }}
{{- if .Values.nats.tls.existingSecret }}
tls {
  cert_file: "/etc/nats-tls/tls.crt"
  key_file: "/etc/nats-tls/tls.key"
  timeout: 5
}
{{- end }}
include accounts.conf
{{- end -}}
