{{- /* What is the same in all pods. */ -}}

{{- define "convmine.podSecurity" -}}
automountServiceAccountToken: false
# A Service named convmine-gateway would set CONVMINE_GATEWAY_PORT=tcp://…, which is a setting of ours.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "convmine.containerSecurity" -}}
securityContext:
  runAsNonRoot: true
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- /* Probes on port 9464, which threads of their own answer; dict startupSeconds. */ -}}
{{- define "convmine.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: health}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: {{ max 1 (div (int .startupSeconds) 5) }}
livenessProbe:
  httpGet: {path: /healthz, port: health}
  periodSeconds: 15
  timeoutSeconds: 5
  failureThreshold: 4
readinessProbe:
  httpGet: {path: /readyz, port: health}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
{{- end }}

{{- /* Where it is put: dict root, component, of (the values of the stage, the gateway or the dashboard). */ -}}
{{- define "convmine.placement" -}}
topologySpreadConstraints:
{{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "convmine.selector" $.root | nindent 8 }}
        app.kubernetes.io/component: {{ $.component }}
{{- end }}
{{- with .of.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .of.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* dict root, shared, web (whether it asks who people are), receivers (whether it sends webhooks). */ -}}
{{- define "convmine.mounts" -}}
{{- $values := .root.Values -}}
- {name: tmp, mountPath: /tmp}
- {name: data, mountPath: /var/lib/convmine}
{{- if and .shared $values.sharedVolume.enabled }}
- {name: shared, mountPath: /var/lib/convmine/shared}
{{- end }}
{{- if or $values.kafka.security.ca $values.kafka.security.clientCertificate }}
- {name: kafka, mountPath: /etc/convmine/kafka, readOnly: true}
{{- end }}
{{- if $values.qdrant.ca }}
- {name: qdrant, mountPath: /etc/convmine/qdrant, readOnly: true}
{{- end }}
{{- if and .receivers $values.webhooks.existingSecret }}
- {name: webhooks, mountPath: /etc/convmine/webhooks, readOnly: true}
{{- end }}
{{- if $values.retention.existingConfigMap }}
- {name: retention, mountPath: /etc/convmine/retention, readOnly: true}
{{- end }}
{{- if .web }}
- {name: keys, mountPath: /etc/convmine/keys, readOnly: true}
{{- end }}
{{- range $values.extraVolumes }}
- {name: {{ .name }}, mountPath: {{ .mountPath }}, readOnly: {{ if hasKey . "readOnly" }}{{ .readOnly }}{{ else }}true{{ end }}}
{{- end }}
{{- end }}

{{- /* The volumes of these; dict as above, and tmpSize, dataSize. */ -}}
{{- define "convmine.volumes" -}}
{{- $values := .root.Values -}}
{{- $security := $values.kafka.security -}}
- name: tmp
  emptyDir: {sizeLimit: {{ .tmpSize }}}
- name: data
  emptyDir: {sizeLimit: {{ .dataSize }}}
{{- if and .shared $values.sharedVolume.enabled }}
- name: shared
  persistentVolumeClaim: {claimName: {{ include "convmine.sharedClaim" .root }}}
{{- end }}
{{- if or $security.ca $security.clientCertificate }}
- name: kafka
  secret:
    secretName: {{ $security.existingSecret }}
    defaultMode: 0440
    items:
    {{- if $security.ca }}
      - {key: ca.crt, path: ca.crt}
    {{- end }}
    {{- if $security.clientCertificate }}
      - {key: tls.crt, path: tls.crt}
      - {key: tls.key, path: tls.key}
    {{- end }}
{{- end }}
{{- if $values.qdrant.ca }}
- name: qdrant
  secret:
    secretName: {{ $values.qdrant.existingSecret }}
    defaultMode: 0440
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- if and .receivers $values.webhooks.existingSecret }}
- name: webhooks
  secret:
    secretName: {{ $values.webhooks.existingSecret }}
    defaultMode: 0440
    items: [{key: receivers.yaml, path: receivers.yaml}]
{{- end }}
{{- with $values.retention.existingConfigMap }}
- name: retention
  configMap:
    name: {{ . }}
    items: [{key: rules.yaml, path: rules.yaml}]
{{- end }}
{{- if .web }}
- name: keys
  secret:
    secretName: {{ $values.gateway.existingSecret }}
    defaultMode: 0440
    items: [{key: keys.json, path: keys.json}]
{{- end }}
{{- range $values.extraVolumes }}
- name: {{ .name }}
  {{- toYaml .volume | nindent 2 }}
{{- end }}
{{- end }}
