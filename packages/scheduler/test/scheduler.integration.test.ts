import { resources } from '@bayplan/api';
import type { CoreV1Event, Pod } from '@bayplan/api';
import { startTestApiServer } from '@bayplan/apiserver/testing';
import { createClient, createInformerFactory } from '@bayplan/client';
import { createMetricsRegistry, silentLogger, systemClock, systemRandom } from '@bayplan/component-base';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startScheduler } from '../src/index.ts';
import { node, pod } from './support/objects.ts';

describe('startScheduler on an API server', () => {
  let server: Awaited<ReturnType<typeof startTestApiServer>>;
  let admin: ReturnType<typeof createClient>;
  const stopping = new AbortController();
  let stopped: Promise<void>;

  beforeAll(async () => {
    server = await startTestApiServer({ listen: false });
    admin = createClient(server.admin);
    // A controller makes it in a whole cluster; without it no pod is admitted.
    await admin.create(resources.serviceAccounts, { metadata: { name: 'default', namespace: 'default' } });
    const client = createClient(server.as({ name: 'system:kube-scheduler', groups: ['system:authenticated'] }));
    const informers = createInformerFactory({ client, clock: systemClock, logger: silentLogger });
    const metrics = createMetricsRegistry({ processMetrics: false });
    const scheduler = startScheduler({
      client,
      informers,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      metrics,
      signal: stopping.signal,
    });
    stopped = scheduler.stopped;
    informers.start(stopping.signal);
    await scheduler.ready;
  });

  afterAll(async () => {
    stopping.abort();
    await stopped;
    await server.close();
  });

  async function createNode(name: string, cpu: string): Promise<void> {
    const wanted = node(name, { cpu });
    await admin.create(resources.nodes, wanted);
    await admin.patch(resources.nodes, { name }, 'merge', { status: wanted.status }, { subresource: 'status' });
  }

  const get = (name: string): Promise<Pod> => admin.get(resources.pods, { namespace: 'default', name });

  it('places a pod once there is a node for it, and tells the story in its Events', async () => {
    const wanted = pod('web', { cpu: '2' });
    delete wanted.metadata.uid;
    await admin.create(resources.pods, wanted);
    await createNode('small', '1');
    await vi.waitFor(
      async () =>
        expect((await get('web')).status?.conditions).toContainEqual(
          expect.objectContaining({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }),
        ),
      5000,
    );
    await createNode('large', '2');
    await vi.waitFor(async () => expect((await get('web')).spec?.nodeName).toBe('large'), 5000);
    expect((await get('web')).status?.conditions).toContainEqual(expect.objectContaining({ type: 'PodScheduled', status: 'True' }));
    await vi.waitFor(async () => {
      const { items } = await admin.list<CoreV1Event>(resources.events, { namespace: 'default' });
      expect(items.map((event) => event.reason)).toEqual(expect.arrayContaining(['FailedScheduling', 'Scheduled']));
    }, 5000);
  });
});
