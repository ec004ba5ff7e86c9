/** A pod of a Deployment as it is when it runs, 3 to 4 KB as JSON with its status and managed fields. */
export function podOf(namespace: string, name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { app: 'web', tier: 'frontend', 'pod-template-hash': '5d4f8c7b9d', shard: name.slice(-1) },
      annotations: {
        'prometheus.io/scrape': 'true',
      },
    },
    spec: {
      containers: [container('web', 8080)],
      volumes: [{ name: 'config', configMap: { name: 'web-config' } }],
      terminationGracePeriodSeconds: 30,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 },
      // Nothing schedules in this benchmark, and so nothing writes but the benchmark.
      schedulerName: 'none',
    },
  };
}

function container(name: string, port: number): object {
  return {
    name,
    image: `registry.example.com/web/${name}:1.4.2`,
    args: ['--listen', `:${port.toString()}`, '--log-format=json'],
    ports: [{ name: 'http', containerPort: port }],
    env: [
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'REGION', value: 'north' },
    ],
    resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '500m', memory: '128Mi' } },
    readinessProbe: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 10 },
    volumeMounts: [{ name: 'config', mountPath: '/etc/web' }],
  };
}
