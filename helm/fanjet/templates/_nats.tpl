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

{{/* Bytes of a Kubernetes quantity. Takes text such as 150Gi. */}}
{{- define "fanjet.bytes" -}}
{{- $number := regexFind "^[0-9.]+" . -}}
{{- $factors := dict "" 1.0 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "ki" 1024.0 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 "Ei" 1152921504606846976.0 -}}
{{- mulf (float64 $number) (index $factors (trimPrefix $number .)) | floor | int64 -}}
{{- end -}}

{{/* What a server may store. A file system keeps up to a twentieth for root, and NATS needs room for its own files. */}}
{{- define "fanjet.nats.maxFile" -}}
{{- mulf (include "fanjet.bytes" .Values.nats.storage.size | float64) 0.85 | floor | int64 -}}
{{- end -}}

{{/* The log's limit: as set, or three quarters of the volume without what the logs beside it take. NATS counts events before it compresses them. */}}
{{- define "fanjet.log.maxBytes" -}}
{{- if not (kindIs "invalid" .Values.log.maxBytes) -}}
{{ int64 .Values.log.maxBytes }}
{{- else if .Values.nats.enabled -}}
{{- subf (mulf (include "fanjet.bytes" .Values.nats.storage.size | float64) 0.75) (add (include "fanjet.raw.maxBytes" .) (include "fanjet.labels.maxBytes" .) | float64) | floor | int64 -}}
{{- else -}}
-1
{{- end -}}
{{- end -}}

{{/* The raw log's limit, 0 without a raw log. */}}
{{- define "fanjet.raw.maxBytes" -}}
{{- ternary (int64 .Values.raw.max_bytes) 0 .Values.raw.enabled -}}
{{- end -}}

{{/* Likewise for labels. */}}
{{- define "fanjet.labels.maxBytes" -}}
{{- ternary (int64 .Values.labels.settings.max_bytes) 0 .Values.labels.enabled -}}
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
{{- if has .user (list "edge" "kafka") }}
domain: fanjet
{{- end }}
{{- if $v.nats.tls.existingSecret }}
tls: true
tls_ca_file: /etc/fanjet/nats-ca/ca.crt
{{- end }}
{{- else }}
{{- $user := index $v.externalNats.auth .user }}
inbox_prefix: {{ $user.inboxPrefix }}
{{- with $user.domain }}
domain: {{ . }}
{{- end }}
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
  {{- with $v.log.mirror }}
  mirror: {{ . | quote }}
  {{- end }}
  replicas: {{ include "fanjet.nats.copies" .root }}
  max_age: {{ $v.log.maxAge | quote }}
  max_bytes: {{ include "fanjet.log.maxBytes" .root }}
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
{{- $own := .root.Values.nats -}}
{{- if and $own.enabled $own.tls.existingSecret }}
- name: nats-ca
  secret:
    secretName: {{ $own.tls.existingSecret }}
    items: [{ key: ca.crt, path: ca.crt }]
{{- end }}
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
{{- $own := .root.Values.nats -}}
{{- if and $own.enabled $own.tls.existingSecret }}
- { name: nats-ca, mountPath: /etc/fanjet/nats-ca, readOnly: true }
{{- end }}
{{- if not .root.Values.nats.enabled }}
{{- if and $external.tls.enabled $external.tls.caSecret }}
- { name: nats-ca, mountPath: /etc/fanjet/nats-ca, readOnly: true }
{{- end }}
{{- if eq $external.auth.method "creds" }}
- { name: nats-creds, mountPath: /etc/fanjet/nats-creds, readOnly: true }
{{- end }}
{{- end }}
{{- end -}}

{{/* The Secret with a user's credentials, unless the chart made it. Takes (dict "root" $ "user" "edge"). */}}
{{- define "fanjet.nats.givenSecret" -}}
{{- $v := .root.Values -}}
{{- if $v.nats.enabled -}}
{{ $v.nats.auth.existingSecret }}
{{- else if ne $v.externalNats.auth.method "none" -}}
{{ (index $v.externalNats.auth .user).existingSecret }}
{{- end -}}
{{- end -}}
