import { customResourceScript } from './custom-resource-script.ts';

/** One call of kubectl in the script that all versions run. */
export interface MatrixStep {
  readonly args: readonly string[];
  /** What is written to its standard input. */
  readonly input?: string;
  /** The exit code that it must have; 0 unless given. */
  readonly code?: number;
  /** Compare the exit code only: what is printed is the client's own business. */
  readonly show?: 'code';
  /** Compare only what this matches. */
  readonly pick?: RegExp;
}

/** What a small team would deploy: most kinds that one meets in a chart. */
export const stack = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {part: stack}}
data: {mode: before, file.txt: "one\\ntwo\\n"}
---
apiVersion: v1
kind: Secret
metadata: {name: password, labels: {part: stack}}
type: Opaque
stringData: {password: swordfish}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: worker, labels: {part: stack}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, labels: {part: stack}}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, labels: {part: stack}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: worker}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {part: stack}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, part: stack}}
    spec:
      serviceAccountName: worker
      containers:
      - name: web
        image: example.test/web:v1
        ports: [{name: http, containerPort: 8080}]
        env: [{name: MODE, valueFrom: {configMapKeyRef: {name: settings, key: mode}}}]
        envFrom: [{secretRef: {name: password}}]
        resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 32Mi}}
        readinessProbe: {httpGet: {path: /, port: http}}
        volumeMounts: [{name: settings, mountPath: /etc/settings}]
      volumes: [{name: settings, configMap: {name: settings}}]
---
apiVersion: v1
kind: Service
metadata: {name: web, labels: {part: stack}}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, labels: {part: stack}}
spec:
  ingressClassName: any
  tls: [{hosts: [web.example.test], secretName: tls}]
  rules: [{host: web.example.test, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}]}}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, labels: {part: stack}}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 8080}]}], policyTypes: [Ingress]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, labels: {part: stack}}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, labels: {part: stack}}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 4
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, labels: {part: stack}}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: job, image: example.test/job}]}}}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: counts, labels: {part: stack}}
spec: {hard: {count/configmaps: "40", pods: "40"}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: sizes, labels: {part: stack}}
spec: {limits: [{type: Container, default: {memory: 64Mi}, defaultRequest: {cpu: 5m, memory: 8Mi}}]}
`;

const step = (line: string, more: Omit<MatrixStep, 'args' | 'code'> & { code?: number } = {}): MatrixStep => ({
  args: line.split(' '),
  code: 0,
  ...more,
});
const failing = (line: string, more: Omit<MatrixStep, 'args' | 'code'> = {}): MatrixStep => step(line, { ...more, code: 1 });

/** The script: what people and pipelines do on an ordinary day, and what goes wrong on a bad one. */
export const matrixScript: readonly MatrixStep[] = [
  step('apply -f FOLDER/stack.yaml --dry-run=server'),
  step('apply -f FOLDER/stack.yaml'),
  step('apply -f FOLDER/stack.yaml'),
  step('diff -f FOLDER/stack.yaml'),
  step('rollout status deployment/web --timeout=60s', { show: 'code' }),
  step('wait deployment/web --for=condition=Available --timeout=30s'),
  step('get deployment,service,ingress,networkpolicy,pdb,cronjob -l part=stack'),
  step('get deployment web -o wide'),
  step('get pods -l app=web -o custom-columns=APP:.metadata.labels.app,PHASE:.status.phase,READY:.status.containerStatuses[0].ready'),
  step('get deployment web -o jsonpath={.spec.strategy}'),
  step('get secret password -o go-template={{.data.password|base64decode}}'),
  step('get configmap,serviceaccount,role,rolebinding -l part=stack -o name'),
  step('get all -l part=stack -o name', { pick: /service\/web[^]*deployment\.apps\/web/ }),
  step('describe deployment web', { pick: /Replicas: 2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable/ }),
  step('describe service web', { pick: /Port: http 80\/TCP/ }),
  step('describe quota counts', { pick: /count\/configmaps +\d+ +40/ }),
  step('events --for deployment/web', { pick: /ScalingReplicaSet/ }),
  step('set image deployment/web web=example.test/web:v2'),
  step('rollout status deployment/web --timeout=60s', { show: 'code' }),
  step('rollout history deployment/web', { pick: /REVISION CHANGE-CAUSE\n1 <none>\n2 <none>/ }),
  step('rollout undo deployment/web --to-revision=1'),
  step('rollout pause deployment/web'),
  step('set env deployment/web EXTRA=1'),
  step('set resources deployment/web -c=web --limits=memory=48Mi'),
  step('rollout resume deployment/web'),
  step('rollout restart deployment/web'),
  step('rollout status deployment/web --timeout=60s', { show: 'code' }),
  step('get deployment web -o jsonpath={.spec.template.spec.containers[0].image}'),
  step('scale deployment web --replicas=3 --current-replicas=2'),
  failing('scale deployment web --replicas=3 --current-replicas=7'),
  step('label deployment web tier=front'),
  failing('label deployment web tier=back'),
  step('label deployment web tier=back --overwrite'),
  step('annotate deployment web note=hello'),
  step('patch deployment web -p {"spec":{"minReadySeconds":1}}'),
  step('patch deployment web --type=json -p [{"op":"replace","path":"/spec/minReadySeconds","value":0}]'),
  failing('patch deployment web --type=json -p [{"op":"test","path":"/spec/minReadySeconds","value":5}]'),
  step('patch deployment web --subresource=scale --type=merge -p {"spec":{"replicas":2}}'),
  step('edit configmap settings'),
  step('get configmap settings -o jsonpath={.data.mode}'),
  step('apply --server-side --field-manager=other -f -', {
    input: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied}\ndata: {a: b}\n',
  }),
  failing('apply --server-side --field-manager=third -f -', {
    input: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied}\ndata: {a: c}\n',
  }),
  step('apply --server-side --force-conflicts --field-manager=third -f -', {
    input: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied}\ndata: {a: c}\n',
  }),
  step('get configmap applied --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}'),
  step('apply -k FOLDER/kustom'),
  step('delete -k FOLDER/kustom'),
  step('create configmap made --from-literal=a=b'),
  failing('create configmap made --from-literal=a=b'),
  step('create secret tls tls --cert=/dev/null --key=/dev/null', { code: 1, show: 'code' }),
  step('create job once --image=example.test/job'),
  step('create cronjob often --image=example.test/job --schedule=@hourly'),
  step('create job now --from=cronjob/nightly'),
  step('create service clusterip plain --tcp=80:8080'),
  step('create role writer --verb=update --resource=configmaps'),
  step('create rolebinding writer --role=writer --serviceaccount=NAMESPACE:worker'),
  step('create token worker', { show: 'code' }),
  step('auth can-i update configmaps --as=system:serviceaccount:NAMESPACE:worker'),
  failing('auth can-i delete configmaps --as=system:serviceaccount:NAMESPACE:worker'),
  failing('get secrets --as=system:serviceaccount:NAMESPACE:worker'),
  step('run single --image=example.test/single --restart=Never'),
  step('wait pod/single --for=condition=Ready --timeout=30s'),
  step('expose pod single --port=80 --name=single --labels=app=single', { show: 'code' }),
  step('get pod single -o wide', { pick: /single 1\/1 Running 0 AGE/ }),
  step('get endpointslices -l kubernetes.io/service-name=web --no-headers', { pick: /IPv4 8080/ }),
  failing('get pod absent'),
  failing('get pods --field-selector=spec.nothing=1'),
  failing('create -f -', { input: 'apiVersion: v1\nkind: Pod\nmetadata: {name: bad}\nspec: {containers: []}\n' }),
  failing('create -f -', { input: 'apiVersion: v1\nkind: Pod\nmetadata: {name: bad}\nspec: {containerz: []}\n' }),
  failing('create -f -', { input: 'apiVersion: nowhere/v1\nkind: Thing\nmetadata: {name: bad}\n' }),
  failing('patch service web -p {"spec":{"clusterIP":"10.96.0.99"}}'),
  failing('create -f - -n absent', { input: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: lost}\n' }),
  step('get --raw /version', { pick: /"minor": ?"36"/ }),
  step('api-versions'),
  step('api-resources --api-group=apps --no-headers'),
  step('explain pod.spec.containers.livenessProbe.httpGet.port', { pick: /<IntOrString>/ }),
  step('cluster-info', { show: 'code' }),
  ...customResourceScript,
  step('delete pod single --now'),
  step('delete job once now'),
  step('delete -f FOLDER/stack.yaml --timeout=60s'),
  step('get deployment,service,configmap -l part=stack'),
];
