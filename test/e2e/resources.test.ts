import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestCluster, eventually } from './support/cluster.ts';
import type { TestCluster } from './support/cluster.ts';

let cluster: TestCluster;

const run = async (...args: string[]): Promise<string> => (await cluster.kubectl(args)).trim();
const apply = async (input: string): Promise<string> => (await cluster.kubectl(['apply', '-f', '-'], { input })).trim();
const jsonpath = (path: string, ...what: string[]): Promise<string> => run('get', ...what, '-o', `jsonpath=${path}`);
const refused = async (...args: string[]): Promise<string> => {
  const result = await cluster.tryKubectl(args);
  expect(result.code, result.stdout).toBe(1);
  return result.stderr.trim();
};

const stateful = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: example.test/db, volumeMounts: [{name: data, mountPath: /data}]}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`;

/** Likes the node \`lost\`, which never reports, and gives up on it after a second. */
const moved = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: moved}
spec:
  replicas: 2
  selector: {matchLabels: {app: moved}}
  template:
    metadata: {labels: {app: moved}}
    spec:
      affinity:
        nodeAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - {weight: 100, preference: {matchExpressions: [{key: liked, operator: Exists}]}}
      tolerations:
      - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 1}
      - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 1}
      containers: [{name: app, image: example.test/app}]
`;

/** The pods and their use are simulated; what counts, binds, measures and moves them is not. */
describe('resources of a cluster', () => {
  beforeAll(async () => {
    cluster = await createTestCluster(['--hollow', '3', '--port', '26511', '--node-port', '26512']);
    const { code, stderr } = await cluster.up();
    expect(code, stderr).toBe(0);
  });
  afterAll(() => cluster.remove());

  test('claims of a StatefulSet are bound, grow, and stay when it shrinks', async () => {
    await apply(stateful);
    await run('rollout', 'status', 'statefulset/db', '--timeout=60s');
    expect(await jsonpath('{.items[*].status.phase}', 'pvc')).toBe('Bound Bound');
    expect(await run('get', 'storageclass')).toMatch(/local-path \(default\) +bayplan\.io\/local-path +Delete +WaitForFirstConsumer +true/);
    await run('patch', 'pvc', 'data-db-0', '-p', '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}');
    await run('wait', 'pvc/data-db-0', '--for=jsonpath={.status.capacity.storage}=2Gi', '--timeout=20s');
    await run('scale', 'statefulset/db', '--replicas=1');
    await run('wait', 'pod/db-1', '--for=delete', '--timeout=30s');
    expect(await jsonpath('{.items[*].metadata.name}', 'pvc')).toBe('data-db-0 data-db-1');
    // A claim that a pod uses is deleted once the pod is gone, and its volume with it.
    await run('delete', 'pvc', 'data-db-0', '--wait=false');
    expect(await jsonpath('{.metadata.finalizers}', 'pvc', 'data-db-0')).toBe('["kubernetes.io/pvc-protection"]');
    await run('delete', 'statefulset', 'db');
    await run('delete', 'pvc', '--all', '--timeout=30s');
    await eventually(async () => expect(await run('get', 'pv', '-o', 'name')).toBe(''), 20_000);
  });

  test('a quota refuses what is beyond it and gives back what is freed', async () => {
    await run('create', 'namespace', 'small');
    await run('-n', 'small', 'create', 'quota', 'q', '--hard=count/configmaps=2,pods=1');
    // kube-root-ca.crt is the first.
    await eventually(
      async () => expect(await jsonpath('{.status.used}', 'quota', 'q', '-n', 'small')).toContain('"count/configmaps":"1"'),
      20_000,
    );
    await run('-n', 'small', 'create', 'configmap', 'a');
    expect(await refused('-n', 'small', 'create', 'configmap', 'b')).toContain(
      'configmaps "b" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=2, limited: count/configmaps=2',
    );
    await run('-n', 'small', 'delete', 'configmap', 'a');
    await eventually(() => run('-n', 'small', 'create', 'configmap', 'b'), 20_000);
    expect(await run('-n', 'small', 'describe', 'quota', 'q')).toMatch(/count\/configmaps +2 +2/);
  });

  test('top tells what nodes and pods use', async () => {
    await run('run', 'busy', '--image=example.test/app', '--annotations=simulator.bayplan.io/cpu-usage=250m');
    await run('wait', 'pod/busy', '--for=condition=Ready', '--timeout=30s');
    // What was read is kept for a quarter of a minute.
    await eventually(async () => expect(await run('top', 'pods', '--no-headers')).toMatch(/busy +250m +4Mi/), 30_000);
    expect((await run('top', 'nodes', '--no-headers')).split('\n')).toHaveLength(3);
  });

  test('a load balancer has the addresses of the nodes', async () => {
    await run('create', 'service', 'loadbalancer', 'front', '--tcp=80');
    await run('wait', 'service/front', '--for=jsonpath={.status.loadBalancer.ingress}', '--timeout=20s');
    const nodes = await jsonpath('{.items[*].status.addresses[?(@.type=="InternalIP")].address}', 'nodes');
    const ingress = await jsonpath('{.status.loadBalancer.ingress[*].ip}', 'service', 'front');
    expect(ingress.split(' ').sort()).toEqual(nodes.split(' ').sort());
    await run('create', 'service', 'loadbalancer', 'late', '--tcp=80');
    await eventually(async () => expect(await run('events', '--for', 'service/late')).toContain('used by Service default/front'), 20_000);
  });

  test('pods of a node that went silent start elsewhere', async () => {
    await apply('{apiVersion: v1, kind: Node, metadata: {name: lost, labels: {liked: "yes"}}}');
    const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }];
    const status = {
      conditions,
      allocatable: { cpu: '64', memory: '512Gi', pods: '100' },
      capacity: { cpu: '64', memory: '512Gi', pods: '100' },
    };
    await run('patch', 'node', 'lost', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));
    await apply(moved);
    await eventually(async () => expect(await jsonpath('{.items[*].spec.nodeName}', 'pods', '-l', 'app=moved')).toContain('lost'), 20_000);
    await run('wait', 'deployment/moved', '--for=condition=Available', '--timeout=110s');
    await run('wait', 'deployment/moved', '--for=jsonpath={.status.readyReplicas}=2', '--timeout=30s');
    expect(await jsonpath('{.spec.taints[*].key}', 'node', 'lost')).toContain('node.kubernetes.io/unreachable');
    expect(await run('get', 'events', '--field-selector', 'reason=TaintManagerEviction')).toContain(
      'Marking for deletion Pod default/moved-',
    );
  });
});
