{{- /* What no schema can say of values, since it is about several of them. Ends the rendering with what to do. */ -}}
{{- define "convmine.checks" -}}
{{- $partitions := int .Values.kafka.partitions -}}
{{- range (include "convmine.stages" . | fromJson).items -}}
{{- $where := printf "stages.%s.%s" .name .lane -}}
{{- $least := int .minReplicas -}}
{{- $most := int .maxReplicas -}}
{{- if gt $most $partitions -}}
{{- fail (printf "%s.maxReplicas is %d, and kafka.partitions %d: a pod without a partition does nothing" $where $most $partitions) -}}
{{- end -}}
{{- if gt $least $most -}}
{{- fail (printf "%s.minReplicas is %d, more than its maxReplicas %d" $where $least $most) -}}
{{- end -}}
{{- if and (eq .lane "live") (lt $least 1) -}}
{{- fail (printf "%s.minReplicas is %d: a live call cannot wait for a pod to start, at least 1 stays" $where $least) -}}
{{- end -}}
{{- if gt (int .replicas) $partitions -}}
{{- fail (printf "%s.replicas is %d, and kafka.partitions %d: a pod without a partition does nothing" $where (int .replicas) $partitions) -}}
{{- end -}}
{{- if ne (eq .image "asr-gpu") (gt (int .gpu) 0) -}}
{{- fail (printf "%s: the image asr-gpu and a number in gpu go together" $where) -}}
{{- end -}}
{{- if and (hasPrefix "asr-" .image) (ne .name "asr") -}}
{{- fail (printf "%s.image is %s, which is for the stage asr" $where .image) -}}
{{- end -}}
{{- end -}}
{{- include "convmine.checkKafka" .Values.kafka.security -}}
{{- if and .Values.qdrant.ca (or (not .Values.qdrant.existingSecret) (hasPrefix "http://" .Values.qdrant.url)) -}}
{{- fail "qdrant.ca needs qdrant.existingSecret, with ca.crt, and an address of https" -}}
{{- end -}}
{{- range $name := list "gateway" "dashboard" -}}
{{- $ingress := (index $.Values $name).ingress -}}
{{- if and $ingress.enabled (not $ingress.tlsSecret) -}}
{{- fail (printf "%s.ingress.tlsSecret is needed: keys and what customers said travel there" $name) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "convmine.checkKafka" -}}
{{- $sasl := hasPrefix "SASL_" .protocol -}}
{{- $tls := hasSuffix "SSL" .protocol -}}
{{- if ne $sasl (ne .mechanism "") -}}
{{- fail (printf "kafka.security.protocol %s and mechanism %q do not go together" .protocol .mechanism) -}}
{{- end -}}
{{- if and (or .ca .clientCertificate .keyPassword) (not $tls) -}}
{{- fail (printf "kafka.security.protocol %s has no use for certificates" .protocol) -}}
{{- end -}}
{{- if and .keyPassword (not .clientCertificate) -}}
{{- fail "kafka.security.keyPassword is of the key of clientCertificate, which is off" -}}
{{- end -}}
{{- if and (or $sasl .ca .clientCertificate) (not .existingSecret) -}}
{{- fail "kafka.security.existingSecret is needed: the name of the Secret with what Kafka is shown" -}}
{{- end -}}
{{- if and .existingSecret (not (or $sasl .ca .clientCertificate)) -}}
{{- fail "kafka.security.existingSecret is given, and nothing of it is used: set protocol, ca or clientCertificate" -}}
{{- end -}}
{{- if ne (eq .mechanism "OAUTHBEARER") (ne .oauth.tokenUrl "") -}}
{{- fail "kafka.security.oauth.tokenUrl and mechanism OAUTHBEARER go together" -}}
{{- end -}}
{{- end }}
