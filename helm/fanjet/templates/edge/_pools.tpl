{{/* Edges in pools: .Values.edge, and each of .Values.edgePools, with its values in place of those of .Values.edge. */}}

{{/* Renders a template for every pool. It gets a root whose .Values.edge are the pool's, and its name as .pool ("" for .Values.edge).
Takes (dict "root" $ "template" name). */}}
{{- define "fanjet.edge.each" -}}
{{- $root := .root -}}
{{- $template := .template -}}
{{- $pools := dict "" $root.Values.edge -}}
{{- range $name, $given := $root.Values.edgePools -}}
{{- $edge := deepCopy $root.Values.edge -}}
{{- /* Two pools cannot have the same host or node port. */ -}}
{{- $_ := set $edge "enabled" true -}}
{{- $_ := set $edge.ingress "enabled" false -}}
{{- $_ := set $edge.httpRoute "enabled" false -}}
{{- $_ := set $edge.service "nodePort" nil -}}
{{- $_ := set $pools $name (mergeOverwrite $edge (deepCopy (default dict $given))) -}}
{{- end -}}
{{- range $name, $edge := $pools -}}
{{- if $edge.enabled -}}
{{- $pool := dict "Values" (set (omit $root.Values "edge") "edge" $edge) "pool" $name "Release" $root.Release "Chart" $root.Chart "Files" $root.Files "Capabilities" $root.Capabilities "Template" $root.Template -}}
{{- with include $template $pool | trim }}
---
{{ . }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The value of app.kubernetes.io/component: pools do not share Services and budgets. */}}
{{- define "fanjet.edge.component" -}}
edge{{ with .pool }}-{{ . }}{{ end }}
{{- end -}}

{{/* The components of all pools, as a list in JSON. */}}
{{- define "fanjet.edge.components" -}}
{{- $components := list -}}
{{- if .Values.edge.enabled }}{{ $components = append $components "edge" }}{{ end -}}
{{- range $name, $given := .Values.edgePools -}}
{{- if dig "enabled" true (default dict $given) }}{{ $components = append $components (printf "edge-%s" $name) }}{{ end -}}
{{- end -}}
{{- toJson $components -}}
{{- end -}}

{{/* The name of a pool's Deployment and of what belongs to it. */}}
{{- define "fanjet.edge.fullname" -}}
{{ include "fanjet.fullname" . }}-{{ include "fanjet.edge.component" . }}
{{- end -}}

{{/* The name of the Service that clients of a pool connect to. */}}
{{- define "fanjet.edge.service" -}}
{{ include "fanjet.fullname" . }}{{ if .pool }}-{{ include "fanjet.edge.component" . }}{{ end }}
{{- end -}}

{{/* The paths that are passed on from outside, as a list in JSON. */}}
{{- define "fanjet.edge.paths" -}}
{{- ternary (list "/") (list "/subscribe" "/events" "/xrpc") .Values.edge.publicStatusPage | toJson -}}
{{- end -}}
