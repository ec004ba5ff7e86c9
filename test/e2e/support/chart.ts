import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

const files: Record<string, string> = {
  'Chart.yaml': `apiVersion: v2
name: shop
version: 0.1.0
appVersion: v1
`,
  'values.yaml': `replicas: 2
image: example.test/shop:v1
broken: false
`,
  'crds/orders.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: orders.shop.example.test}
spec:
  group: shop.example.test
  scope: Namespaced
  names: {plural: orders, singular: order, kind: Order, shortNames: [ord]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns: [{name: Amount, type: integer, jsonPath: .spec.amount}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [amount]
            properties:
              amount: {type: integer, minimum: 1}
              currency: {type: string, default: EUR}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
`,
  'templates/_helpers.tpl': `{{- define "shop.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
`,
  'templates/secret.yaml': `{{- $name := printf "%s-secret" .Release.Name }}
{{- $found := lookup "v1" "Secret" .Release.Namespace $name }}
apiVersion: v1
kind: Secret
metadata:
  name: {{ $name }}
  labels: {{- include "shop.labels" . | nindent 4 }}
data:
  password: {{ if $found }}{{ index $found.data "password" }}{{ else }}{{ randAlphaNum 16 | b64enc }}{{ end }}
`,
  'templates/app.yaml': `apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Release.Name }}
  labels: {{- include "shop.labels" . | nindent 4 }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: {{- include "shop.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app.kubernetes.io/instance: {{ .Release.Name }}}}
  template:
    metadata:
      labels: {{- include "shop.labels" . | nindent 8 }}
      annotations: {checksum/secret: {{ include (print $.Template.BasePath "/secret.yaml") . | sha256sum }}}
    spec:
      serviceAccountName: {{ .Release.Name }}
      {{- if .Values.broken }}
      nodeSelector: {no-such-node: "true"}
      {{- end }}
      containers:
      - name: shop
        image: {{ .Values.image }}
        ports: [{name: http, containerPort: 8080}]
        envFrom: [{secretRef: {name: {{ .Release.Name }}-secret}}]
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
  labels: {{- include "shop.labels" . | nindent 4 }}
spec: {selector: {app.kubernetes.io/instance: {{ .Release.Name }}}, ports: [{port: 80, targetPort: http}]}
---
{{- if .Capabilities.APIVersions.Has "networking.k8s.io/v1/Ingress" }}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: {{ .Release.Name }}}
spec: {defaultBackend: {service: {name: {{ .Release.Name }}, port: {number: 80}}}}
{{- end }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: {{ .Release.Name }}}
spec: {minAvailable: 1, selector: {matchLabels: {app.kubernetes.io/instance: {{ .Release.Name }}}}}
---
apiVersion: shop.example.test/v1
kind: Order
metadata: {name: {{ .Release.Name }}-first}
spec: {amount: {{ .Values.replicas }}}
`,
  'templates/migrate.yaml': `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migrate
  annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-weight: "-5", helm.sh/hook-delete-policy: "before-hook-creation,hook-succeeded"}
spec:
  backoffLimit: 1
  template:
    metadata: {annotations: {simulator.bayplan.io/run-seconds: "0"}}
    spec: {restartPolicy: Never, containers: [{name: migrate, image: example.test/migrate}]}
`,
  'templates/tests/reach.yaml': `apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-reach
  annotations: {helm.sh/hook: test, helm.sh/hook-delete-policy: hook-succeeded, simulator.bayplan.io/run-seconds: "0"}
spec: {restartPolicy: Never, containers: [{name: reach, image: example.test/reach}]}
`,
  'templates/NOTES.txt': 'Installed {{ .Release.Name }} on Kubernetes {{ .Capabilities.KubeVersion.Version }}.\n',
};

/**
 * Writes a chart of the shape that one meets outside: a custom resource definition with an object of it, a hook that
 * must end before the rest, a generated secret that survives upgrades by `lookup`, a test, and a switch that breaks it.
 */
export async function writeChart(folder: string): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return folder;
}
