import { isNotFound, resources } from '@bayplan/api';
import type { Pod } from '@bayplan/api';
import { startTestApiServer } from '@bayplan/apiserver/testing';
import type { TestApiServer } from '@bayplan/apiserver/testing';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { seededRandom, silentLogger, systemClock } from '@bayplan/component-base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHollowNodes } from '../src/index.ts';
import type { HollowNodes } from '../src/index.ts';

describe('hollow nodes', () => {
  let api: TestApiServer;
  let client: Client;
  let nodes: HollowNodes;
  const stop = new AbortController();

  beforeAll(async () => {
    api = await startTestApiServer({ listen: false });
    client = createClient(api.admin);
    await client.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'hollow' } });
    await client.create(resources.serviceAccounts, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: 'hollow' },
    });
    nodes = start(stop.signal);
    await nodes.ready;
    // In place of the controller that gives nodes their ranges.
    for (const [index, name] of nodes.names.entries()) {
      const cidr = `10.128.${String(index * 4)}.0/22`;
      await client.patch(resources.nodes, { name }, 'merge', { spec: { podCIDR: cidr, podCIDRs: [cidr] } });
    }
  }, 30_000);
  afterAll(async () => {
    stop.abort();
    await nodes.stopped;
    await api.close();
  });

  function start(signal: AbortSignal): HollowNodes {
    return startHollowNodes({
      client,
      count: 3,
      clock: systemClock,
      random: seededRandom(1),
      logger: silentLogger,
      signal,
      leaseIntervalMs: 500,
    });
  }

  async function createPod(
    name: string,
    annotations: Record<string, string> = {},
    spec: Partial<NonNullable<Pod['spec']>> = {},
  ): Promise<Pod> {
    const qualified = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`simulator.bayplan.io/${key}`, value]));
    return await client.create(resources.pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'hollow', annotations: { 'simulator.bayplan.io/start-seconds': '0.05', ...qualified } },
      spec: { nodeName: 'hollow-1', containers: [{ name: 'main', image: 'registry.example/app:1.2' }], ...spec },
    });
  }
  const pod = (name: string): Promise<Pod> => client.get(resources.pods, { namespace: 'hollow', name });
  const phase = async (name: string): Promise<string | undefined> => (await pod(name)).status?.phase;
  const condition = (of: Pod, type: string): string | undefined => of.status?.conditions?.find((one) => one.type === type)?.status;

  it('are registered as Ready, with a Lease that is renewed', async () => {
    const { items } = await client.list(resources.nodes);
    expect(items.map((node) => node.metadata.name).sort()).toEqual(['hollow-0', 'hollow-1', 'hollow-2']);
    for (const node of items) expect(node.status?.conditions?.find((one) => one.type === 'Ready')?.status).toBe('True');
    const renewed = async (): Promise<string | undefined> =>
      String((await client.get(resources.leases, { namespace: 'kube-node-lease', name: 'hollow-2' })).spec?.renewTime);
    const before = await renewed();
    await expect.poll(renewed, { timeout: 5000 }).not.toBe(before);
  });

  it('come back, with their pods, after they were given up', async () => {
    await createPod('regained', {}, { nodeName: 'hollow-2' });
    await expect.poll(async () => condition(await pod('regained'), 'Ready'), { timeout: 5000 }).toBe('True');
    const unknown = { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } };
    await client.patch(resources.nodes, { name: 'hollow-2' }, 'strategic', unknown, { subresource: 'status' });
    const conditions = [{ type: 'Ready', status: 'False' }];
    await client.patch(
      resources.pods,
      { namespace: 'hollow', name: 'regained' },
      'strategic',
      { status: { conditions } },
      { subresource: 'status' },
    );
    await expect.poll(async () => condition(await pod('regained'), 'Ready'), { timeout: 5000 }).toBe('True');
    const ready = async (): Promise<string | undefined> =>
      (await client.get(resources.nodes, { name: 'hollow-2' })).status?.conditions?.find((one) => one.type === 'Ready')?.status;
    await expect.poll(ready, { timeout: 5000 }).toBe('True');
  });

  it('run pods that are bound to them, with the status of a kubelet', async () => {
    await createPod('plain', {}, { initContainers: [{ name: 'prepare', image: 'tool' }] });
    await expect.poll(() => phase('plain'), { timeout: 5000 }).toBe('Running');
    const running = await pod('plain');
    expect(running.status?.podIP).toMatch(/^10\.128\.[4-7]\.\d+$/);
    expect(running.status?.podIPs).toEqual([{ ip: running.status?.podIP }]);
    expect(running.status?.hostIP).toBe('198.18.0.2');
    for (const type of ['PodScheduled', 'PodReadyToStartContainers', 'Initialized', 'ContainersReady', 'Ready'])
      expect(condition(running, type)).toBe('True');
    expect(running.status?.containerStatuses).toMatchObject([
      { name: 'main', image: 'registry.example/app:1.2', ready: true, started: true, restartCount: 0, state: { running: {} } },
    ]);
    expect(running.status?.initContainerStatuses).toMatchObject([
      { name: 'prepare', ready: true, state: { terminated: { exitCode: 0, reason: 'Completed' } } },
    ]);
  });

  it('leave pods alone that are bound elsewhere or not yet', async () => {
    await createPod('elsewhere', {}, { nodeName: 'real-node' });
    await createPod('beside');
    await expect.poll(() => phase('beside'), { timeout: 5000 }).toBe('Running');
    expect(await phase('elsewhere')).toBe('Pending');
  });

  it('let pods become ready late, when they say so', async () => {
    await createPod('late', { 'ready-seconds': '0.4' });
    await expect.poll(() => phase('late'), { timeout: 5000 }).toBe('Running');
    expect(condition(await pod('late'), 'Ready')).toBe('False');
    await expect.poll(async () => condition(await pod('late'), 'Ready'), { timeout: 5000 }).toBe('True');
  });

  it('complete pods that say how long they run, by their exit code and restart policy', async () => {
    await createPod('succeeds', { 'run-seconds': '0.1' }, { restartPolicy: 'Never' });
    await createPod('fails', { 'run-seconds': '0.1', 'exit-code': '3' }, { restartPolicy: 'Never' });
    await createPod('restarts', { 'run-seconds': '0.1', 'exit-code': '3' }, { restartPolicy: 'OnFailure' });
    await expect.poll(() => phase('succeeds'), { timeout: 5000 }).toBe('Succeeded');
    await expect.poll(() => phase('fails'), { timeout: 5000 }).toBe('Failed');
    expect((await pod('fails')).status?.containerStatuses).toMatchObject([
      { ready: false, state: { terminated: { exitCode: 3, reason: 'Error' } } },
    ]);
    await expect.poll(async () => (await pod('restarts')).status?.containerStatuses?.[0]?.restartCount, { timeout: 8000 }).toBe(1);
    expect(await pod('restarts')).toMatchObject({
      status: { phase: 'Running', containerStatuses: [{ lastState: { terminated: { exitCode: 3 } } }] },
    });
  });

  it('stop deleted pods, within their grace period', async () => {
    await createPod('quick', { 'stop-seconds': '0.1' });
    await createPod('slow', { 'stop-seconds': '60' }, { terminationGracePeriodSeconds: 1 });
    for (const name of ['quick', 'slow']) await expect.poll(() => phase(name), { timeout: 5000 }).toBe('Running');
    const started = performance.now();
    for (const name of ['quick', 'slow']) await client.delete(resources.pods, { namespace: 'hollow', name });
    const gone = (name: string): Promise<boolean> => pod(name).then(() => false, isNotFound);
    await expect.poll(() => gone('quick'), { timeout: 5000, interval: 20 }).toBe(true);
    expect(performance.now() - started).toBeLessThan(900);
    await expect.poll(() => gone('slow'), { timeout: 5000, interval: 20 }).toBe(true);
    expect(performance.now() - started).toBeGreaterThan(900);
  });

  it('go on after a restart with the pods that run', async () => {
    await createPod('kept');
    await expect.poll(() => phase('kept'), { timeout: 5000 }).toBe('Running');
    const before = await pod('kept');
    stop.signal.throwIfAborted();
    const second = new AbortController();
    const again = start(second.signal);
    await again.ready;
    await createPod('after');
    await expect.poll(() => phase('after'), { timeout: 5000 }).toBe('Running');
    const kept = await pod('kept');
    expect(kept.status?.podIP).toBe(before.status?.podIP);
    expect(kept.status?.containerStatuses?.[0]?.restartCount).toBe(0);
    second.abort();
    await again.stopped;
  });
});
