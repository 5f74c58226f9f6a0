{{/*
The settings file. Even a single replica elects a leader: a rollout starts the new pod before the old one has ended.
*/}}
{{- define "runai-nim.settings" -}}
{{- $reserved := include "runai-nim.reservedHosts" . | fromYamlArray -}}
{{- $hosts := ternary (dict "reserved_hosts" $reserved) (dict) (not (empty $reserved)) -}}
{{- merge $hosts .Values.settings (dict "leader_election" true "lease_namespace" .Release.Namespace) | toYaml -}}
{{- end -}}

{{/* Hosts that no RunaiNimService may have: those of the settings, and the REST API's own. */}}
{{- define "runai-nim.reservedHosts" -}}
{{- $hosts := .Values.settings.reserved_hosts | default list -}}
{{- with .Values.rest -}}
{{- if .enabled -}}
{{- if .ingress.enabled -}}{{- $hosts = append $hosts .ingress.host -}}{{- end -}}
{{- if .httpRoute.enabled -}}{{- $hosts = concat $hosts .httpRoute.hostnames -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- $hosts | uniq | toYaml -}}
{{- end -}}

{{/* Patterns of hosts as CEL has them: what people read, and a regular expression for what is between two dots. */}}
{{- define "runai-nim.hostPatterns" -}}
{{- $patterns := list -}}
{{- range . -}}
{{- $regex := eq . "*" | ternary ".*" (. | replace "." "\\." | replace "*" "[a-z0-9-]+") -}}
{{- $patterns = append $patterns (dict "text" . "regex" (printf "^%s$" $regex)) -}}
{{- end -}}
{{- toJson $patterns -}}
{{- end -}}

{{- define "runai-nim.port" -}}
{{- default 8080 .Values.settings.healthz_port -}}
{{- end -}}

{{/* Whether objects of admission are made. By default with KAI, whose pod grouper takes the queue from the topmost owner. */}}
{{- define "runai-nim.admissionPolicy" -}}
{{- $enabled := toString .Values.admissionPolicy.enabled -}}
{{- eq $enabled "auto" | ternary (eq (default "runai" .Values.settings.dialect) "kai") (eq $enabled "true") -}}
{{- end -}}

{{/* Keys that users may not set, the first that fits counting, and what sets them: constants, and those of the settings. */}}
{{- define "runai-nim.reservedPatterns" -}}
{{- $reserved := .Files.Get "files/reserved-labels.yaml" | fromYaml -}}
{{- $patterns := $reserved.patterns -}}
{{- range $setting, $by := $reserved.settings -}}
{{- with get $.Values.settings $setting -}}
{{- range kindIs "slice" . | ternary . (list .) -}}
{{- $patterns = append $patterns (dict "key" (replace "{container}" "*" .) "by" $by) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $patterns -}}
{{- end -}}

{{/* What binds an admission policy to the namespaces that the operator serves; nothing if these are all. */}}
{{- define "runai-nim.servedNamespaces" -}}
{{- with .Values.settings.namespaces -}}
matchResources:
  namespaceSelector:
    matchExpressions:
      - {key: kubernetes.io/metadata.name, operator: In, values: {{ toJson . }}}
{{- end -}}
{{- end -}}

{{/* Whether the cluster has a PriorityClass of this name that another release or a person made. Without a cluster, none. */}}
{{- define "runai-nim.isForeignPriorityClass" -}}
{{- $there := lookup "scheduling.k8s.io/v1" "PriorityClass" "" .name | default dict -}}
{{- $name := dig "metadata" "annotations" "meta.helm.sh/release-name" "" $there -}}
{{- $namespace := dig "metadata" "annotations" "meta.helm.sh/release-namespace" "" $there -}}
{{- and (not (empty $there)) (or (ne $name .release.Name) (ne $namespace .release.Namespace)) -}}
{{- end -}}
