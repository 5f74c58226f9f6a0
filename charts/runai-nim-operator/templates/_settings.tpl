{{/*
The settings file. Even a single replica elects a leader: a rollout starts the new pod before the old one has ended.
*/}}
{{- define "runai-nim.settings" -}}
{{- merge (dict) .Values.settings (dict "leader_election" true "lease_namespace" .Release.Namespace) | toYaml -}}
{{- end -}}

{{- define "runai-nim.port" -}}
{{- default 8080 .Values.settings.healthz_port -}}
{{- end -}}
