import { resources, serviceUnavailable } from '@bayplan/api';
import type { Job, Pod } from '@bayplan/api';
import { startTestApiServer } from '@bayplan/apiserver/testing';
import type { TestApiServer } from '@bayplan/apiserver/testing';
import { createClient, createInformerFactory } from '@bayplan/client';
import type { Client, Transport } from '@bayplan/client';
import { silentLogger, systemClock, systemRandom } from '@bayplan/component-base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startControllers } from '../src/index.ts';
import { FakeKubelet } from './test-cluster.ts';

interface Manager {
  /** Cuts the connection, as a power cut would: nothing is written any more and the lease is not given back. */
  crash(): void;
  stop(): Promise<void>;
}

let api: TestApiServer;
let client: Client;
const stop = new AbortController();

/** A controller manager; `onWrite` is told of each of its writes before it is sent. */
function startManager(onWrite: () => void): Manager {
  const stopped = new AbortController();
  let cut = false;
  const transport = (inner: Transport): Transport => ({
    call: (call) => {
      if (call.method !== 'GET') onWrite();
      return cut ? Promise.reject(serviceUnavailable('the connection is cut')) : inner.call(call);
    },
    watch: (call) => inner.watch(call),
    close: () => inner.close(),
  });
  const informers = createInformerFactory({
    client: createClient(transport(api.as({ name: 'system:kube-controller-manager' }))),
    clock: systemClock,
    logger: silentLogger,
  });
  const { stopped: ended } = startControllers({
    client: (identity) => createClient(transport(api.as(identity))),
    informers,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    ca: api.keys.ca,
    clusterCidr: '10.128.0.0/10',
    nodeCidrMaskSize: 22,
    signal: stopped.signal,
  });
  informers.start(stopped.signal);
  return {
    crash: () => (cut = true),
    async stop() {
      stopped.abort();
      await ended;
    },
  };
}

async function until<T>(what: string, check: () => Promise<T | undefined | false>, timeoutMs = 60_000): Promise<T> {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadlineMs) throw new Error(`Not in time: ${what}`);
    await systemClock.sleep(50);
  }
}

async function podsOf(app: string): Promise<Pod[]> {
  return (await client.list(resources.pods, { namespace: 'default', labelSelector: `app=${app}` })).items;
}

beforeAll(async () => {
  api = await startTestApiServer({ listen: false, logger: silentLogger });
  client = createClient(api.admin);
  const kubelet = new FakeKubelet(client);
  kubelet.ends = (pod) => (pod.metadata.labels?.['app'] === 'ranks' ? { exitCode: 0 } : undefined);
  const informers = createInformerFactory({ client, clock: systemClock, logger: silentLogger });
  kubelet.start(informers, stop.signal);
  informers.start(stop.signal);
});
afterAll(async () => {
  stop.abort();
  await api.close();
});

describe('a leader that is lost in the middle of a rollout', () => {
  it('is followed by one that neither loses nor doubles a pod', { timeout: 120_000 }, async () => {
    let writes = 0;
    let crashAt = Infinity;
    const first = startManager(() => {
      writes++;
      if (writes >= crashAt) first.crash();
    });
    const account = () => client.get(resources.serviceAccounts, { namespace: 'default', name: 'default' });
    await until('service account', () => account().catch(() => undefined)); // not yet
    const labels = { app: 'web' };
    const template = (image: string) => ({ metadata: { labels }, spec: { containers: [{ name: 'web', image }] } });
    const web = {
      metadata: { namespace: 'default', name: 'web' },
      spec: { replicas: 12, selector: { matchLabels: labels }, template: template('web:1') },
    };
    await client.create(resources.deployments, web);
    await until(
      'first rollout',
      async () => (await client.get(resources.deployments, { namespace: 'default', name: 'web' })).status?.availableReplicas === 12,
    );
    let most = 0;
    let fewest = 99;
    let watching = true;
    const watch = (async () => {
      while (watching) {
        const alive = (await podsOf('web')).filter((pod) => pod.metadata.deletionTimestamp === undefined);
        most = Math.max(most, alive.length);
        fewest = Math.min(fewest, alive.filter((pod) => pod.status?.phase === 'Running').length);
        await systemClock.sleep(2);
      }
    })();
    // Some pods of the new revision and of the Job are there when the connection is cut, others are not.
    crashAt = writes + 12;
    const ranks: Job = {
      metadata: { namespace: 'default', name: 'ranks' },
      spec: {
        completions: 10,
        parallelism: 5,
        completionMode: 'Indexed',
        template: {
          metadata: { labels: { app: 'ranks' } },
          spec: { restartPolicy: 'Never', containers: [{ name: 'work', image: 'work' }] },
        },
      },
    };
    await client.create(resources.jobs, ranks);
    await client.patch(resources.deployments, { namespace: 'default', name: 'web' }, 'strategic', {
      spec: { template: template('web:2') },
    });
    await until('crash', () => Promise.resolve(writes >= crashAt));
    const second = startManager(() => undefined);
    const rolled = async (): Promise<boolean> => {
      const { status, metadata } = await client.get(resources.deployments, { namespace: 'default', name: 'web' });
      return (
        status?.observedGeneration === metadata.generation &&
        status?.updatedReplicas === 12 &&
        status.replicas === 12 &&
        status.availableReplicas === 12
      );
    };
    await until('rollout by the second', rolled);
    const done = await until('job by the second', async () => {
      const job = await client.get(resources.jobs, { namespace: 'default', name: 'ranks' });
      return (job.status?.conditions ?? []).some(({ type }) => type === 'Complete') && job;
    });
    watching = false;
    await watch;
    // 25 % of 12 both ways.
    expect(most).toBeLessThanOrEqual(15);
    expect(fewest).toBeGreaterThanOrEqual(9);
    const alive = (await podsOf('web')).filter((pod) => pod.metadata.deletionTimestamp === undefined);
    expect(alive.map((pod) => pod.spec?.containers[0]?.image)).toEqual(Array.from({ length: 12 }, () => 'web:2'));
    expect([done.status?.succeeded, done.status?.failed, done.status?.completedIndexes]).toEqual([10, undefined, '0-9']);
    const indexes = (await podsOf('ranks')).map((pod) => Number(pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index']));
    expect(indexes.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await first.stop();
    await second.stop();
  });
});
