{{- define "runai-nim.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* Name of all objects. 50 characters leave room for suffixes. */}}
{{- define "runai-nim.fullname" -}}
{{- $name := include "runai-nim.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "runai-nim.serviceAccountName" -}}
{{- default (include "runai-nim.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{/* What selects the pods; a Deployment's can never change. */}}
{{- define "runai-nim.selector" -}}
app.kubernetes.io/name: {{ include "runai-nim.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "runai-nim.labels" -}}
{{ include "runai-nim.selector" . }}
{{ include "runai-nim.releaseLabels" . }}
{{- end -}}

{{- define "runai-nim.releaseLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The metadata of a namespaced object that has the release's name. */}}
{{- define "runai-nim.metadata" -}}
name: {{ include "runai-nim.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "runai-nim.labels" . | nindent 2 }}
{{- end -}}

{{- define "runai-nim.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* The REST API has names of its own, so that nothing that selects the operator's pods selects its. */}}
{{- define "runai-nim.rest.fullname" -}}
{{ include "runai-nim.fullname" . }}-rest
{{- end -}}

{{- define "runai-nim.rest.serviceAccountName" -}}
{{- default (include "runai-nim.rest.fullname" .) .Values.rest.serviceAccount.name -}}
{{- end -}}

{{- define "runai-nim.rest.selector" -}}
app.kubernetes.io/name: {{ include "runai-nim.name" . }}-rest
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "runai-nim.rest.labels" -}}
{{ include "runai-nim.rest.selector" . }}
{{ include "runai-nim.releaseLabels" . }}
{{- end -}}

{{- define "runai-nim.rest.metadata" -}}
name: {{ include "runai-nim.rest.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "runai-nim.rest.labels" . | nindent 2 }}
{{- end -}}

{{/* The pod of `helm test`. */}}
{{- define "runai-nim.test.selector" -}}
app.kubernetes.io/name: {{ include "runai-nim.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "runai-nim.test.labels" -}}
{{ include "runai-nim.test.selector" . }}
{{ include "runai-nim.releaseLabels" . }}
{{- end -}}
