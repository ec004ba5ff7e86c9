import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resources } from '@bayplan/api';
import { ClusterFixture, conditionOf, skipReason, statusOf } from './support/cluster-fixture.ts';

describe.skipIf(skipReason)(`Pods on a real runtime${skipReason ? ` (skipped: ${skipReason})` : ''}`, () => {
  let cluster: ClusterFixture;
  beforeAll(async () => {
    cluster = await ClusterFixture.start('10.211.0.0/24');
    await cluster.agent?.ready;
  });
  afterAll(() => cluster.stop());

  it('registers a node that is ready', async () => {
    const node = await cluster.client.get(resources.nodes, { name: 'node-1' });
    expect(node.metadata.labels).toMatchObject({ 'kubernetes.io/hostname': 'node-1', 'kubernetes.io/os': 'linux' });
    expect(node.status?.conditions?.find((one) => one.type === 'Ready')?.status).toBe('True');
    expect(node.status?.capacity?.['pods']).toBe('1k');
    const lease = await cluster.client.get(resources.leases, { namespace: 'kube-node-lease', name: 'node-1' });
    expect(lease.spec?.holderIdentity).toBe('node-1');
  });

  it('runs commands through the node API', async () => {
    await cluster.createPod('exec', { containers: [{ name: 'main', image: 'busybox:1.35', command: ['sleep', '1000'] }] });
    await cluster.until('exec', (one) => conditionOf(one, 'Ready') === 'True');
    expect(await cluster.exec('exec', 'main', ['sh', '-c', 'cat; echo done; exit 3'], 'typed\n')).toMatchObject({
      stdout: 'typed\ndone\n',
      status: { status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '3' }] } },
    });
    const token = await cluster.exec('exec', 'main', ['cat', '/var/run/secrets/kubernetes.io/serviceaccount/token']);
    const claims: unknown = JSON.parse(Buffer.from(token.stdout.split('.')[1] ?? '', 'base64url').toString());
    expect(claims).toMatchObject({ sub: 'system:serviceaccount:default:default', 'kubernetes.io': { pod: { name: 'exec' } } });
    await cluster.client.delete(resources.pods, { namespace: 'default', name: 'exec' });
    await cluster.untilGone('exec');
  });

  it('runs a pod, reports it, serves its log, and removes it', async () => {
    await cluster.createPod('web', {
      containers: [
        {
          name: 'main',
          image: 'busybox:1.35',
          command: ['sh', '-c', 'echo "hello from $(NAME) $MY_IP"; trap "exit 0" TERM; while :; do sleep 0.1; done'],
          env: [
            { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            { name: 'MY_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          ],
        },
      ],
    });
    const pod = await cluster.until('web', (one) => conditionOf(one, 'Ready') === 'True');
    expect(pod.status).toMatchObject({ phase: 'Running', hostIP: '127.0.0.1', qosClass: 'BestEffort' });
    expect(pod.status?.podIP).toMatch(/^10\.211\.0\.\d+$/);
    expect(pod.status?.conditions?.map((one) => [one.type, one.status])).toEqual([
      ['PodReadyToStartContainers', 'True'],
      ['Initialized', 'True'],
      ['Ready', 'True'],
      ['ContainersReady', 'True'],
      ['PodScheduled', 'True'],
    ]);
    expect(statusOf(pod, 'main')).toMatchObject({ ready: true, started: true, restartCount: 0, image: 'busybox:1.35' });
    const log = await cluster.nodeApi('/containerLogs/default/web/main');
    expect(log).toEqual({ status: 200, body: `hello from web ${pod.status?.podIP ?? ''}\n` });
    expect((await cluster.nodeApi('/containerLogs/default/web/main', { commonName: 'somebody', organizations: [] })).status).not.toBe(200);
    await cluster.client.delete(resources.pods, { namespace: 'default', name: 'web' });
    await cluster.untilGone('web');
    const { items } = await cluster.cri.runtime.listPodSandbox({});
    expect(items).toEqual([]);
    const events = await cluster.events('web');
    expect(events).toEqual([
      'Normal Pulled Container image "busybox:1.35" already present on machine and can be accessed by the pod',
      'Normal Created Container created',
      'Normal Started Container started',
      'Normal Killing Stopping container main',
    ]);
  });
});
