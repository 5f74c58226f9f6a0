{{/*
The settings file. Even a single replica elects a leader: a rollout starts the new pod before the old one has ended.
*/}}
{{- define "runai-nim.settings" -}}
{{- merge (dict) .Values.settings (dict "leader_election" true "lease_namespace" .Release.Namespace) | toYaml -}}
{{- end -}}

{{- define "runai-nim.port" -}}
{{- default 8080 .Values.settings.healthz_port -}}
{{- end -}}

{{/* Whether objects of admission are made. By default with KAI, whose pod grouper takes the queue from the topmost owner. */}}
{{- define "runai-nim.admissionPolicy" -}}
{{- $enabled := toString .Values.admissionPolicy.enabled -}}
{{- eq $enabled "auto" | ternary (eq (default "runai" .Values.settings.dialect) "kai") (eq $enabled "true") -}}
{{- end -}}
