{{- /* Names and labels. */ -}}

{{- define "convmine.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- /* At most 40 characters, so that what is appended fits into the 63 of a label. */ -}}
{{- define "convmine.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "convmine.name" .) .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name (include "convmine.name" .) | trunc 40 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- /* Of all pods of this release. */ -}}
{{- define "convmine.selector" -}}
app.kubernetes.io/name: {{ include "convmine.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "convmine.labels" -}}
{{ include "convmine.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: convmine
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "convmine.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "convmine.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{- define "convmine.sharedClaim" -}}
{{ default (printf "%s-shared" (include "convmine.fullname" .)) .Values.sharedVolume.existingClaim }}
{{- end }}

{{- /* An image by its target: dict root, target, tag (of this one alone; it goes before all else). */ -}}
{{- define "convmine.image" -}}
{{- $image := .root.Values.image -}}
{{- $name := printf "convmine-%s" .target -}}
{{- if $image.registry }}{{ $name = printf "%s/%s" (trimSuffix "/" $image.registry) $name }}{{ end -}}
{{- $digest := index $image.digests .target -}}
{{- if .tag -}}
{{ printf "%s:%s" $name .tag }}
{{- else if $digest -}}
{{ printf "%s@%s" $name $digest }}
{{- else -}}
{{ printf "%s:%s" $name (default .root.Chart.AppVersion $image.tag) }}
{{- end -}}
{{- end }}

{{- /* The stages of the values as JSON, {items: [{name, lane, component, …}]}, each with the defaults where it is silent. */ -}}
{{- define "convmine.stages" -}}
{{- $items := list -}}
{{- range $name, $lanes := .Values.stages -}}
{{- range $lane, $given := $lanes -}}
{{- $stage := mergeOverwrite (deepCopy $.Values.stageDefaults) (deepCopy $given) -}}
{{- $_ := set $stage "name" $name -}}
{{- $_ := set $stage "lane" $lane -}}
{{- $_ := set $stage "component" (printf "%s-%s" $name $lane) -}}
{{- if not (hasKey $stage "maxReplicas") }}{{ $_ := set $stage "maxReplicas" $.Values.kafka.partitions }}{{ end -}}
{{- if $stage.enabled }}{{ $items = append $items $stage }}{{ end -}}
{{- end -}}
{{- end -}}
{{ dict "items" $items | toJson }}
{{- end }}
