{{/* How the programs connect to NATS: this chart's or an external one. */}}

{{- define "fanjet.nats.fullname" -}}
{{ include "fanjet.fullname" . }}-nats
{{- end -}}

{{- define "fanjet.nats.authSecret" -}}
{{- default (printf "%s-auth" (include "fanjet.nats.fullname" .)) .Values.nats.auth.existingSecret -}}
{{- end -}}

{{- define "fanjet.nats.url" -}}
{{- if .Values.nats.enabled -}}
nats://{{ include "fanjet.nats.fullname" . }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:4222
{{- else -}}
{{ .Values.externalNats.url }}
{{- end -}}
{{- end -}}

{{- define "fanjet.nats.copies" -}}
{{- if .Values.log.replicas -}}
{{ int .Values.log.replicas }}
{{- else if .Values.nats.enabled -}}
{{ ternary 3 1 (ge (int .Values.nats.replicas) 3) }}
{{- else -}}
3
{{- end -}}
{{- end -}}

{{/* Section [nats] without the secrets, as a map in YAML. Takes (dict "root" $ "user" "edge"). */}}
{{- define "fanjet.nats.settings" -}}
{{- $v := .root.Values -}}
url: {{ include "fanjet.nats.url" .root | quote }}
name: {{ .user }}
{{- if $v.nats.enabled }}
user: {{ .user }}
inbox_prefix: _INBOX_fanjet_{{ .user }}
{{- else }}
{{- $user := index $v.externalNats.auth .user }}
inbox_prefix: {{ $user.inboxPrefix }}
lease_bucket: {{ $v.externalNats.leaseBucket }}
{{- if $v.externalNats.tls.enabled }}
tls: true
{{- if $v.externalNats.tls.caSecret }}
tls_ca_file: /etc/fanjet/nats-ca/{{ $v.externalNats.tls.caKey }}
{{- end }}
{{- end }}
{{- if eq $v.externalNats.auth.method "creds" }}
credentials_file: /etc/fanjet/nats-creds/creds
{{- end }}
{{- end }}
stream:
  create: {{ eq .user "admin" }}
  {{- if not $v.nats.enabled }}
  name: {{ $v.externalNats.streamName }}
  subject_root: {{ $v.externalNats.subjectRoot }}
  {{- end }}
  {{- if eq .user "admin" }}
  replicas: {{ include "fanjet.nats.copies" .root }}
  max_age: {{ $v.log.maxAge | quote }}
  max_bytes: {{ int64 $v.log.maxBytes }}
  {{- end }}
{{- end -}}

{{/* Secrets as environment variables. Takes (dict "root" $ "user" "edge"). */}}
{{- define "fanjet.nats.env" -}}
{{- $v := .root.Values -}}
{{- if $v.nats.enabled }}
- name: FANJET_NATS__PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "fanjet.nats.authSecret" .root }}
      key: {{ .user }}-password
{{- else }}
{{- $secret := (index $v.externalNats.auth .user).existingSecret }}
{{- if eq $v.externalNats.auth.method "password" }}
- name: FANJET_NATS__USER
  valueFrom:
    secretKeyRef: { name: {{ $secret }}, key: user }
- name: FANJET_NATS__PASSWORD
  valueFrom:
    secretKeyRef: { name: {{ $secret }}, key: password }
{{- else if eq $v.externalNats.auth.method "nkey" }}
- name: FANJET_NATS__NKEY_SEED
  valueFrom:
    secretKeyRef: { name: {{ $secret }}, key: nkey-seed }
{{- end }}
{{- end }}
{{- end -}}

{{- define "fanjet.nats.volumes" -}}
{{- $external := .root.Values.externalNats -}}
{{- if not .root.Values.nats.enabled }}
{{- if and $external.tls.enabled $external.tls.caSecret }}
- name: nats-ca
  secret:
    secretName: {{ $external.tls.caSecret }}
    items: [{ key: {{ $external.tls.caKey }}, path: {{ $external.tls.caKey }} }]
{{- end }}
{{- if eq $external.auth.method "creds" }}
- name: nats-creds
  secret:
    secretName: {{ (index $external.auth .user).existingSecret }}
    items: [{ key: creds, path: creds }]
{{- end }}
{{- end }}
{{- end -}}

{{- define "fanjet.nats.volumeMounts" -}}
{{- $external := .root.Values.externalNats -}}
{{- if not .root.Values.nats.enabled }}
{{- if and $external.tls.enabled $external.tls.caSecret }}
- { name: nats-ca, mountPath: /etc/fanjet/nats-ca, readOnly: true }
{{- end }}
{{- if eq $external.auth.method "creds" }}
- { name: nats-creds, mountPath: /etc/fanjet/nats-creds, readOnly: true }
{{- end }}
{{- end }}
{{- end -}}
