{{/* What single values can't tell: combinations that can't work. The operator checks its settings again, all of them. */}}
{{- define "runai-nim.checks" -}}
{{- $settings := .Values.settings -}}
{{- $dialect := default "runai" $settings.dialect -}}
{{- if not .Values.image.repository -}}
{{- fail "\n\nimage.repository is \"\" but must name the operator's image: build it from the Dockerfile, push it, and set image.repository" -}}
{{- end -}}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) -}}
{{- fail "\n\nserviceAccount.name is \"\" but must name a ServiceAccount when serviceAccount.create is false: set it, or let the chart create one" -}}
{{- end -}}
{{- if eq (toString $settings.leader_election) "false" -}}
{{- fail "\n\nsettings.leader_election is \"false\" but must be true: two pods would write at the same time, in a rollout even with replicas 1: leave it out" -}}
{{- end -}}
{{- if ne (default .Release.Namespace $settings.lease_namespace) .Release.Namespace -}}
{{- fail (printf "\n\nsettings.lease_namespace is %q but must be the release's namespace, the only one whose Leases the operator may write: leave it out" $settings.lease_namespace) -}}
{{- end -}}
{{- if and .Values.rbac.aggregatePolicies (not .Values.rbac.aggregate) -}}
{{- fail "\n\nrbac.aggregatePolicies is \"true\" but must be false with rbac.aggregate false, which leaves out all roles for people: set rbac.aggregate too, or leave it out" -}}
{{- end -}}
{{- $needed := dict "none" (list) "ingress" (list "external_domain" "external_ingress_class") "gateway" (list "external_domain" "external_gateway_name" "external_gateway_namespace") -}}
{{- range get $needed (default "none" $settings.external_mode) -}}
{{- if not (get $settings .) -}}
{{- fail (printf "\n\nsettings.%s is \"\" but must be set with settings.external_mode %s: set it, or leave external_mode out" . $settings.external_mode) -}}
{{- end -}}
{{- end -}}
{{- range $name := list "queue" "queue_of_pool" -}}
{{- if and (get $settings $name) (not $settings.queue_label) (or (eq $dialect "runai") (hasKey $settings "queue_label")) -}}
{{- fail (printf "\n\nsettings.%s is %q but must come with settings.queue_label: set queue_label too, or leave %s out" $name (get $settings $name) $name) -}}
{{- end -}}
{{- end -}}
{{- if and (eq (toString .Values.priorityClasses.create) "true") (ne $dialect "kai") -}}
{{- fail (printf "\n\npriorityClasses.create is \"true\" but must be auto or false with settings.dialect %s, where Run:ai makes its own PriorityClasses: leave it out, or set settings.dialect to kai" $dialect) -}}
{{- end -}}
{{- $rest := .Values.rest -}}
{{- if and $rest.ingress.enabled (not $rest.ingress.host) -}}
{{- fail "\n\nrest.ingress.host is \"\" but must name a host with rest.ingress.enabled: an Ingress for every host would take other services' calls" -}}
{{- end -}}
{{- if and $rest.httpRoute.enabled (not $rest.httpRoute.parentRefs) -}}
{{- fail "\n\nrest.httpRoute.parentRefs is empty but must name a Gateway with rest.httpRoute.enabled: set it" -}}
{{- end -}}
{{- range $route := list "ingress" "httpRoute" -}}
{{- if and (get $rest $route).enabled (not $rest.enabled) -}}
{{- fail (printf "\n\nrest.%s.enabled is \"true\" but must be false without rest.enabled: set rest.enabled too, or leave it out" $route) -}}
{{- end -}}
{{- end -}}
{{- if and $rest.enabled (not $rest.serviceAccount.create) (not $rest.serviceAccount.name) -}}
{{- fail "\n\nrest.serviceAccount.name is \"\" but must name a ServiceAccount when rest.serviceAccount.create is false: set it, or let the chart create one" -}}
{{- end -}}
{{- if and $rest.enabled (eq (include "runai-nim.rest.serviceAccountName" .) (include "runai-nim.serviceAccountName" .)) -}}
{{- fail (printf "\n\nrest.serviceAccount.name is %q but must not be the operator's, whose permissions are for nobody else: choose another" (include "runai-nim.rest.serviceAccountName" .)) -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if has .name (list "RUNAI_NIM_SETTINGS_FILE" "RUNAI_NIM_HEALTHZ_PORT" "RUNAI_NIM_LEADER_ELECTION" "RUNAI_NIM_LEASE_NAMESPACE" "POD_ID") -}}
{{- fail (printf "\n\nextraEnv has %q but must not, the chart depends on it: use settings" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
