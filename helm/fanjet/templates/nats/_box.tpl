{{/* Environment of the nats CLI: the user operator. */}}
{{- define "fanjet.nats.boxEnv" -}}
- { name: HOME, value: /tmp }
- { name: NATS_URL, value: {{ include "fanjet.nats.url" . }} }
- { name: NATS_USER, value: operator }
- name: NATS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "fanjet.nats.authSecret" . }}
      key: operator-password
{{- if .Values.nats.tls.existingSecret }}
- { name: NATS_CA, value: /etc/fanjet/nats-ca/ca.crt }
{{- end }}
{{- end -}}

{{/* Environment of rclone, whose remote "store" needs no file. */}}
{{- define "fanjet.nats.s3Env" -}}
{{- $s3 := .Values.nats.backup.s3 -}}
- { name: HOME, value: /tmp }
- { name: RCLONE_CONFIG, value: /tmp/rclone.conf }
- { name: RCLONE_CONFIG_STORE_TYPE, value: s3 }
- { name: RCLONE_CONFIG_STORE_PROVIDER, value: Other }
- { name: RCLONE_CONFIG_STORE_ENDPOINT, value: {{ $s3.endpoint | quote }} }
- { name: RCLONE_CONFIG_STORE_REGION, value: {{ $s3.region | quote }} }
# The bucket exists: its keys need no right to create one.
- { name: RCLONE_S3_NO_CHECK_BUCKET, value: "true" }
- name: RCLONE_CONFIG_STORE_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef: { name: {{ $s3.existingSecret }}, key: access-key-id }
- name: RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef: { name: {{ $s3.existingSecret }}, key: secret-access-key }
- { name: TO, value: {{ printf "store:%s/%s" $s3.bucket $s3.prefix | trimSuffix "/" | quote }} }
- { name: KEEP, value: {{ .Values.nats.backup.keep | quote }} }
{{- end -}}
