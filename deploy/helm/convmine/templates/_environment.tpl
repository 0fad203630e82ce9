{{- /* Which settings a pod gets, and which secrets. */ -}}

{{- /* A value as text: a whole number that YAML made a float of (2e+09) is written out. */ -}}
{{- define "convmine.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end }}

{{- /* env of a container: dict root, settings, secrets, talksTo, web ("GATEWAY", "DASHBOARD", or none). */ -}}
{{- define "convmine.env" -}}
{{- $values := .root.Values -}}
{{- $kafka := $values.kafka -}}
{{- $home := "/var/lib/convmine" -}}
{{- $env := dict
  "CONVMINE_KAFKA_BOOTSTRAP_SERVERS" $kafka.bootstrapServers
  "CONVMINE_KAFKA_TOPIC_PREFIX" $kafka.topicPrefix
  "CONVMINE_KAFKA_PARTITIONS" $kafka.partitions
  "CONVMINE_KAFKA_REPLICATION" $kafka.replication
  "CONVMINE_STORE_URL" $values.qdrant.url
  "CONVMINE_STORE_PREFIX" $values.qdrant.prefix
  "CONVMINE_RUNTIME_HTTP_HOST" "0.0.0.0"
  "CONVMINE_RUNTIME_HTTP_PORT" "9464"
  "CONVMINE_RUNTIME_DRAIN_S" $values.runtime.drainSeconds
  "XDG_CACHE_HOME" (printf "%s/cache" $home)
-}}
{{- with $kafka.security -}}
{{- if ne .protocol "PLAINTEXT" }}{{ $_ := set $env "CONVMINE_KAFKA_SECURITY_PROTOCOL" .protocol }}{{ end -}}
{{- if .mechanism }}{{ $_ := set $env "CONVMINE_KAFKA_SASL_MECHANISM" .mechanism }}{{ end -}}
{{- if .ca }}{{ $_ := set $env "CONVMINE_KAFKA_CA_FILE" "/etc/convmine/kafka/ca.crt" }}{{ end -}}
{{- if .clientCertificate -}}
{{- $_ := set $env "CONVMINE_KAFKA_CERT_FILE" "/etc/convmine/kafka/tls.crt" -}}
{{- $_ := set $env "CONVMINE_KAFKA_KEY_FILE" "/etc/convmine/kafka/tls.key" -}}
{{- end -}}
{{- with .oauth.tokenUrl }}{{ $_ := set $env "CONVMINE_KAFKA_OAUTH_TOKEN_URL" . }}{{ end -}}
{{- with .oauth.scope }}{{ $_ := set $env "CONVMINE_KAFKA_OAUTH_SCOPE" . }}{{ end -}}
{{- end -}}
{{- if $values.qdrant.ca }}{{ $_ := set $env "CONVMINE_STORE_CA_FILE" "/etc/convmine/qdrant/ca.crt" }}{{ end -}}
{{- $roots := $values.recordingRoots -}}
{{- if $values.sharedVolume.enabled -}}
{{- $_ := set $env "CONVMINE_CLAIMS_ROOT" (printf "%s/shared/claims" $home) -}}
{{- $_ := set $env "CONVMINE_GATEWAY_UPLOADS" (printf "%s/shared/uploads" $home) -}}
{{- $roots = prepend $roots (printf "%s/shared/uploads" $home) -}}
{{- end -}}
{{- if $roots }}{{ $_ := set $env "CONVMINE_AUDIO_ALLOWED_ROOTS" (join "," $roots) }}{{ end -}}
{{- if and $values.webhooks.existingSecret (has "receivers" .talksTo) }}{{ $_ := set $env "CONVMINE_WEBHOOKS_FILE" "/etc/convmine/webhooks/receivers.yaml" }}{{ end -}}
{{- if $values.retention.existingConfigMap }}{{ $_ := set $env "CONVMINE_RETENTION_RULES" "/etc/convmine/retention/rules.yaml" }}{{ end -}}
{{- with .web -}}
{{- $_ := set $env (printf "CONVMINE_%s_HOST" .) "0.0.0.0" -}}
{{- $_ := set $env (printf "CONVMINE_%s_PORT" .) (eq . "GATEWAY" | ternary "8080" "8090") -}}
{{- $_ := set $env "CONVMINE_GATEWAY_KEYS" "/etc/convmine/keys/keys.json" -}}
{{- end -}}
{{- $env = mergeOverwrite (dict) $values.settings .settings $env -}}
{{- range $name, $value := $env }}
- name: {{ $name }}
  value: {{ include "convmine.text" $value | quote }}
{{- end }}
{{- $secrets := include "convmine.secrets" . | fromJson }}
{{- range $name, $at := $secrets }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef: {name: {{ $at.name }}, key: {{ $at.key }}}
{{- end }}
{{- end }}

{{- /* Secrets by variable, as JSON: a pod gets those of a group only where it needs the group, and its own. */ -}}
{{- define "convmine.secrets" -}}
{{- $values := .root.Values -}}
{{- $found := dict -}}
{{- with $values.kafka.security -}}
{{- $kafka := dict -}}
{{- if has .mechanism (list "PLAIN" "SCRAM-SHA-256" "SCRAM-SHA-512") }}{{ $kafka = dict "USERNAME" "username" "PASSWORD" "password" }}{{ end -}}
{{- if eq .mechanism "OAUTHBEARER" }}{{ $kafka = dict "OAUTH_CLIENT_ID" "oauth-client-id" "OAUTH_CLIENT_SECRET" "oauth-client-secret" }}{{ end -}}
{{- if .keyPassword }}{{ $_ := set $kafka "KEY_PASSWORD" "key-password" }}{{ end -}}
{{- range $name, $key := $kafka }}{{ $_ := set $found (printf "CONVMINE_KAFKA_%s" $name) (dict "name" $values.kafka.security.existingSecret "key" $key) }}{{ end -}}
{{- end -}}
{{- with $values.qdrant.existingSecret }}{{ $_ := set $found "CONVMINE_STORE_API_KEY" (dict "name" . "key" "api-key") }}{{ end -}}
{{- $groups := dict "LLM" "llm" "ASR" "speech" "AUDIO" "recordings" "CUSTOMERS" "customers" "GATEWAY" "web" "DASHBOARD" "web" -}}
{{- $needs := .talksTo -}}
{{- if .web }}{{ $needs = append $needs "web" }}{{ end -}}
{{- range $name, $at := $values.secrets -}}
{{- $group := index (splitList "_" $name) 1 -}}
{{- if or (not (hasKey $groups $group)) (has (get $groups $group) $needs) }}{{ $_ := set $found $name $at }}{{ end -}}
{{- end -}}
{{- with .web -}}
{{- $_ := set $found "CONVMINE_GATEWAY_TICKET_SECRET" (dict "name" $values.gateway.existingSecret "key" "ticket-secret") -}}
{{- if eq . "DASHBOARD" }}{{ $_ := set $found "CONVMINE_DASHBOARD_SECRET" (dict "name" $values.dashboard.existingSecret "key" "session-secret") }}{{ end -}}
{{- end -}}
{{ mergeOverwrite $found (default (dict) .secrets) | toJson }}
{{- end }}
