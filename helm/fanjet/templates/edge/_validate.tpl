{{/* Checks of one pool of edges that the schema cannot express. Renders nothing. */}}
{{- define "fanjet.edge.validate" -}}
{{- $edge := .Values.edge -}}
{{- $at := ternary (printf "edgePools.%s" .pool) "edge" (not (empty .pool)) -}}
{{- /* Names of pods keep their pool only up to here, and KEDA counts pods by their names. */ -}}
{{- if and .pool (gt (len (printf "%s%s" (include "fanjet.fullname" .) .pool)) 40) -}}
{{- fail (printf "%s: its name and %s have more than 40 letters: shorten one, or set fullnameOverride" $at (include "fanjet.fullname" .)) -}}
{{- end -}}
{{- $least := add $edge.preStopSeconds $edge.drainSeconds 5 | int -}}
{{- with $edge.terminationGracePeriodSeconds -}}
{{- if lt (int .) $least -}}
{{- fail (printf "%s.terminationGracePeriodSeconds is %d, but preStopSeconds + drainSeconds + 5 is %d: clients would be cut off" $at (int .) $least) -}}
{{- end -}}
{{- end -}}
{{- if and (include "fanjet.edge.hasDisk" .) (lt (int64 (include "fanjet.edge.diskBytes" .)) 67108864) -}}
{{- fail (printf "%s.disk.size is %s, but a local tier needs at least 80Mi: enlarge it, or set %s.disk.enabled=false" $at $edge.disk.size $at) -}}
{{- end -}}
{{- $scaling := $edge.autoscaling -}}
{{- if and $scaling.enabled $scaling.keda.enabled -}}
{{- fail (printf "%s.autoscaling.enabled and %s.autoscaling.keda.enabled are mutually exclusive" $at $at) -}}
{{- end -}}
{{- if or $scaling.enabled $scaling.keda.enabled -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) -}}
{{- fail (printf "%s.autoscaling.minReplicas is greater than maxReplicas" $at) -}}
{{- end -}}
{{- if not (or $scaling.cpuUtilization $scaling.subscribersPerPod $scaling.egressBytesPerSecond) -}}
{{- fail (printf "%s.autoscaling needs one of cpuUtilization, subscribersPerPod, egressBytesPerSecond" $at) -}}
{{- end -}}
{{- $requests := default dict (index $edge.resources "requests") -}}
{{- if and $scaling.cpuUtilization (not (index $requests "cpu")) -}}
{{- fail (printf "%s.autoscaling.cpuUtilization needs %s.resources.requests.cpu" $at $at) -}}
{{- end -}}
{{- end -}}
{{- if and $scaling.keda.enabled (or $scaling.subscribersPerPod $scaling.egressBytesPerSecond) (not $scaling.keda.prometheusAddress) -}}
{{- fail (printf "%s.autoscaling.keda.prometheusAddress is required for subscribersPerPod and egressBytesPerSecond" $at) -}}
{{- end -}}
{{- if and $edge.ingress.enabled (not $edge.ingress.hosts) -}}
{{- fail (printf "%s.ingress.hosts is empty" $at) -}}
{{- end -}}
{{- if and $edge.httpRoute.enabled (not $edge.httpRoute.parentRefs) -}}
{{- fail (printf "%s.httpRoute.parentRefs is empty" $at) -}}
{{- end -}}
{{- end -}}
