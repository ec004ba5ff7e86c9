import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestCluster, eventually } from './support/cluster.ts';
import type { TestCluster } from './support/cluster.ts';

let cluster: TestCluster;

const run = async (...args: string[]): Promise<string> => (await cluster.kubectl(args)).trim();
const apply = async (input: string): Promise<string> => (await cluster.kubectl(['apply', '-f', '-'], { input })).trim();
const jsonpath = (kind: string, name: string, path: string): Promise<string> => run('get', kind, name, '-o', `jsonpath=${path}`);
const rolledOut = (what: string): Promise<string> => run('rollout', 'status', what, '--timeout=60s');

/** A workload as YAML. `spec` goes before the template, which has one container, `app`. */
const workload = (kind: string, name: string, spec: string, image = 'example.test/app:v1'): string => `
apiVersion: apps/v1
kind: ${kind}
metadata: {name: ${name}}
spec:
  selector: {matchLabels: {app: ${name}}}
  ${spec}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: app, image: '${image}'}]}
`;

/** A Job whose pods run for a moment and end with \`exitCode\`. */
const job = (name: string, spec: string, exitCode = 0): string => `
apiVersion: batch/v1
kind: Job
metadata: {name: ${name}}
spec:
  ${spec}
  template:
    metadata: {annotations: {simulator.bayplan.io/run-seconds: "0.2", simulator.bayplan.io/exit-code: "${exitCode.toString()}"}}
    spec: {restartPolicy: Never, containers: [{name: work, image: example.test/work}]}
`;

async function imagesOf(app: string): Promise<string[]> {
  const text = await run(
    'get',
    'pods',
    '-l',
    `app=${app}`,
    '-o',
    'jsonpath={range .items[*]}{.metadata.name} {.spec.containers[0].image}{"\\n"}{end}',
  );
  return text.split('\n');
}

/** The pods are simulated; who makes, counts, replaces and ends them is not. */
describe('workloads', () => {
  beforeAll(async () => {
    cluster = await createTestCluster(['--hollow', '3', '--port', '26491', '--node-port', '26492']);
    const { code, stderr } = await cluster.up();
    expect(code, stderr).toBe(0);
  });
  afterAll(() => cluster.remove());

  test('a StatefulSet rolls out in order, goes back, and shrinks from the top', async () => {
    await apply(workload('StatefulSet', 'db', 'replicas: 3\n  serviceName: db'));
    expect(await rolledOut('statefulset/db')).toContain('Waiting for 2 pods to be ready...');
    expect(await imagesOf('db')).toEqual(['db-0 example.test/app:v1', 'db-1 example.test/app:v1', 'db-2 example.test/app:v1']);
    await run('set', 'image', 'statefulset/db', 'app=example.test/app:v2');
    expect(await rolledOut('statefulset/db')).toContain('partitioned roll out complete: 3 new pods have been updated...');
    expect(await run('rollout', 'history', 'statefulset/db')).toMatch(/^1 .*\n2 /m);
    expect(await run('rollout', 'history', 'statefulset/db', '--revision=1')).toContain('example.test/app:v1');
    await run('rollout', 'undo', 'statefulset/db');
    await rolledOut('statefulset/db');
    expect(await imagesOf('db')).toContain('db-2 example.test/app:v1');
    await run('scale', 'statefulset/db', '--replicas=1');
    await run('wait', 'pod/db-2', 'pod/db-1', '--for=delete', '--timeout=30s');
    await eventually(async () => expect(await run('get', 'statefulset', 'db', '--no-headers')).toMatch(/^db +1\/1 /));
  });

  test('a DaemonSet follows the nodes, and is replaced node by node', async () => {
    await apply(workload('DaemonSet', 'agent', 'minReadySeconds: 0'));
    expect(await rolledOut('daemonset/agent')).toContain('daemon set "agent" successfully rolled out');
    expect(await run('get', 'daemonset', 'agent', '--no-headers')).toMatch(/^agent +3 +3 +3 +3 +3 +<none>/);
    await run('set', 'image', 'daemonset/agent', 'app=example.test/app:v2');
    await rolledOut('daemonset/agent');
    await run('rollout', 'undo', 'daemonset/agent');
    await rolledOut('daemonset/agent');
    expect((await imagesOf('agent')).every((line) => line.endsWith(':v1'))).toBe(true);
    await run('taint', 'node', 'hollow-1', 'own=yes:NoExecute');
    await eventually(async () => expect(await jsonpath('daemonset', 'agent', '{.status.desiredNumberScheduled}')).toBe('2'));
    await run('taint', 'node', 'hollow-1', 'own-');
    await eventually(async () => expect(await jsonpath('daemonset', 'agent', '{.status.numberAvailable}')).toBe('3'));
  });

  test('Jobs complete, fail, and clear themselves away', async () => {
    await apply(job('ranks', 'completions: 4\n  parallelism: 2\n  completionMode: Indexed'));
    await run('wait', 'job/ranks', '--for=condition=complete', '--timeout=60s');
    expect(await jsonpath('job', 'ranks', '{.status.succeeded} {.status.completedIndexes}')).toBe('4 0-3');
    expect(await run('get', 'job', 'ranks', '--no-headers')).toMatch(/^ranks +Complete +4\/4 /);
    await apply(job('bad', 'backoffLimit: 0', 3));
    await run('wait', 'job/bad', '--for=condition=failed', '--timeout=60s');
    expect(await run('describe', 'job', 'bad')).toMatch(/Warning +BackoffLimitExceeded .* Job has reached the specified backoff limit/);
    await apply(job('brief', 'ttlSecondsAfterFinished: 1'));
    await run('wait', 'job/brief', '--for=delete', '--timeout=60s');
    expect(await run('get', 'pods', '-l', 'job-name=brief', '-o', 'name')).toBe('');
  });

  test('a CronJob starts what it missed, once, and by hand', async () => {
    await run('create', 'cronjob', 'tick', '--image=example.test/work', '--schedule=* * * * *');
    await run('create', 'job', 'by-hand', '--from=cronjob/tick');
    const past = new Date(Date.now() - 300_000).toISOString();
    await run(
      'patch',
      'cronjob',
      'tick',
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status: { lastScheduleTime: past } }),
    );
    await eventually(async () => expect(await run('get', 'jobs', '-o', 'name')).toMatch(/^job\.batch\/tick-\d{8}$/m));
    await run('patch', 'cronjob', 'tick', '-p', '{"spec":{"suspend":true}}');
    expect(await run('get', 'cronjob', 'tick', '--no-headers')).toMatch(/^tick +\* \* \* \* \* +<none> +True +\d /);
    expect(await run('describe', 'cronjob', 'tick')).toMatch(/Normal +SuccessfulCreate .* Created job tick-\d{8}/);
    await run('delete', 'cronjob', 'tick', '--cascade=foreground', '--timeout=30s');
    expect(await run('get', 'jobs', '-o', 'name')).not.toContain('tick');
  });

  test('a drain waits for a disruption budget', async () => {
    await apply(workload('Deployment', 'web', 'replicas: 3'));
    await rolledOut('deployment/web');
    await run('create', 'poddisruptionbudget', 'web', '--selector=app=web', '--min-available=3');
    await eventually(async () => expect(await jsonpath('pdb', 'web', '{.status.currentHealthy}/{.status.desiredHealthy}')).toBe('3/3'));
    const node = await run('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].spec.nodeName}');
    const drain = ['drain', node, '--force', '--ignore-daemonsets', '--delete-emptydir-data'];
    const blocked = await cluster.tryKubectl([...drain, '--timeout=3s']);
    expect(blocked.code).toBe(1);
    expect(blocked.stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
    await run('patch', 'pdb', 'web', '-p', '{"spec":{"minAvailable":2}}');
    await run(...drain, '--timeout=60s');
    expect(await run('get', 'pods', '-l', 'app=web', `--field-selector=spec.nodeName=${node}`, '-o', 'name')).toBe('');
    await rolledOut('deployment/web');
    await run('uncordon', node);
    expect(await run('get', 'pdb', 'web', '--no-headers')).toMatch(/^web +2 +N\/A +1 /);
  });

  test('an autoscaler keeps a workload within its limits, and says why it knows no more', async () => {
    await apply(workload('Deployment', 'scaled', 'replicas: 1'));
    await rolledOut('deployment/scaled');
    await run('autoscale', 'deployment', 'scaled', '--min=2', '--max=4', '--cpu-percent=50');
    await eventually(async () => expect(await jsonpath('deployment', 'scaled', '{.spec.replicas}')).toBe('2'));
    expect(await run('describe', 'hpa', 'scaled')).toMatch(
      /SuccessfulRescale .* New size: 2; reason: Current number of replicas below Spec.MinReplicas/,
    );
    await run('delete', 'hpa', 'scaled');
  });
});
