{{/* The prepare job. */}}

{{/* Its settings, as a file. */}}
{{- define "fanjet.prepare.toml" -}}
{{- $config := dict
  "nats" (include "fanjet.nats.settings" (dict "root" . "user" "admin") | fromYaml)
  "raw" .Values.raw
  "labels" (include "fanjet.labels.settings" . | fromYaml)
  "telemetry" (dict "log" .Values.logging.level "format" .Values.logging.format) -}}
{{- include "fanjet.toml" $config | trim -}}
{{- end -}}

{{/* Kubernetes refuses to change the pod of a job, so whatever changes in it makes a job of another name. */}}
{{- define "fanjet.prepare.name" -}}
{{- $pod := include "fanjet.prepare.pod" (dict "root" . "config" "") -}}
{{- printf "%s-prepare-%s" (include "fanjet.fullname" .) (printf "%s %s" (include "fanjet.prepare.toml" .) $pod | sha256sum | trunc 8) -}}
{{- end -}}

{{/* Its pod. Takes (dict "root" $ "config" name of the settings). */}}
{{- define "fanjet.prepare.pod" -}}
{{- $root := .root -}}
{{- $component := dict "root" $root "component" "prepare" "values" $root.Values.log.prepare "user" "admin" -}}
metadata:
  {{- with $root.Values.log.prepare.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  labels:
    {{- include "fanjet.podLabels" $component | nindent 4 }}
spec:
  {{- include "fanjet.podSettings" $component | nindent 2 }}
  restartPolicy: OnFailure
  securityContext:
    {{- include "fanjet.podSecurityContext" $root | nindent 4 }}
  containers:
    - name: prepare
      image: {{ include "fanjet.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      command: [/fanjet, prepare]
      args: [--config, /etc/fanjet/config/prepare.toml]
      {{- with include "fanjet.nats.env" $component | trim }}
      env:
        {{- . | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml $root.Values.log.prepare.resources | nindent 8 }}
      securityContext:
        {{- include "fanjet.securityContext" $root | nindent 8 }}
      volumeMounts:
        - { name: config, mountPath: /etc/fanjet/config, readOnly: true }
        {{- with include "fanjet.nats.volumeMounts" $component | trim }}
        {{- . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ $.config }}
    {{- with include "fanjet.nats.volumes" $component | trim }}
    {{- . | nindent 4 }}
    {{- end }}
{{- end -}}
