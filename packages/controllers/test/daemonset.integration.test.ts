import { resources } from '@bayplan/api';
import type { DaemonSet, Node, Pod } from '@bayplan/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster } from './test-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
  for (const name of ['a', 'b', 'c']) await cluster.client.create(resources.nodes, node(name));
});
afterAll(() => cluster.close());

function node(name: string, labels: Record<string, string> = {}): Node {
  return {
    metadata: { name, labels },
    status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: new Date().toISOString() }] },
  };
}

function daemonSet(name: string, spec: Partial<DaemonSet['spec']> = {}, nodeSelector?: Record<string, string>): DaemonSet {
  const labels = { app: name };
  return {
    metadata: { namespace: 'default', name },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'agent', image: 'agent:1' }], ...(nodeSelector ? { nodeSelector } : {}) },
      },
      ...spec,
    },
  };
}

async function podsOf(name: string): Promise<Pod[]> {
  return (await cluster.client.list(resources.pods, { namespace: 'default', labelSelector: `app=${name}` })).items;
}

const rolledOut = (name: string, count: number): Promise<DaemonSet> =>
  cluster.until(
    resources.daemonSets,
    'default',
    name,
    ({ metadata, status }) =>
      status?.observedGeneration === metadata.generation &&
      status?.desiredNumberScheduled === count &&
      (status.updatedNumberScheduled ?? 0) === count &&
      (status.numberAvailable ?? 0) === count,
  );

const change = (name: string, spec: unknown): Promise<DaemonSet> =>
  cluster.client.patch(resources.daemonSets, { namespace: 'default', name }, 'strategic', { spec });

const imagePatch = (image: string): unknown => ({ template: { spec: { containers: [{ name: 'agent', image }] } } });

describe('the daemonset controller', () => {
  it('runs one pod on every node, bound by its name and with tolerations for nodes in trouble', async () => {
    await cluster.client.create(resources.daemonSets, daemonSet('agent'));
    await rolledOut('agent', 3);
    const pods = await podsOf('agent');
    expect(pods.map((pod) => pod.spec?.nodeName).sort()).toEqual(['a', 'b', 'c']);
    expect(pods[0]?.spec?.tolerations?.map((toleration) => toleration.key)).toEqual(
      expect.arrayContaining(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unschedulable', 'node.kubernetes.io/pid-pressure']),
    );
    const { items } = await cluster.client.list(resources.controllerRevisions, { namespace: 'default', labelSelector: 'app=agent' });
    expect(items.map((revision) => revision.metadata.labels?.['controller-revision-hash'])).toEqual([
      pods[0]?.metadata.labels?.['controller-revision-hash'],
    ]);
  });

  it('follows labels and taints of nodes', async () => {
    await cluster.client.create(resources.daemonSets, daemonSet('ssd', {}, { disk: 'ssd' }));
    await rolledOut('ssd', 0);
    const label = (value: string | null) =>
      cluster.client.patch(resources.nodes, { name: 'b' }, 'merge', { metadata: { labels: { disk: value } } });
    await label('ssd');
    await rolledOut('ssd', 1);
    expect((await podsOf('ssd'))[0]?.spec?.nodeName).toBe('b');
    await cluster.client.patch(resources.nodes, { name: 'b' }, 'merge', {
      spec: { taints: [{ key: 'own', value: 'yes', effect: 'NoSchedule' }] },
    });
    await cluster.until(resources.daemonSets, 'default', 'ssd', ({ status }) => status?.numberMisscheduled === 1);
    expect(await podsOf('ssd')).toHaveLength(1);
    await cluster.client.patch(resources.nodes, { name: 'b' }, 'merge', { spec: { taints: null } });
    await label(null);
    await cluster.eventually(async () => (await podsOf('ssd')).length === 0);
  });

  it('replaces one pod after the other, or with a surge beside the old one', async () => {
    await cluster.client.create(resources.daemonSets, daemonSet('roll'));
    await rolledOut('roll', 3);
    let fewest = 3;
    let most = 0;
    let watching = true;
    const watch = (async () => {
      while (watching) {
        const alive = (await podsOf('roll')).filter((pod) => pod.metadata.deletionTimestamp === undefined);
        most = Math.max(most, alive.length);
        fewest = Math.min(fewest, alive.filter((pod) => pod.status?.phase === 'Running').length);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    await change('roll', imagePatch('agent:2'));
    await rolledOut('roll', 3);
    expect([fewest, most]).toEqual([2, 3]);
    fewest = 3;
    await change('roll', { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
    await rolledOut('roll', 3);
    await change('roll', imagePatch('agent:3'));
    await cluster.eventually(async () => (await podsOf('roll')).every((pod) => pod.spec?.containers[0]?.image === 'agent:3'));
    await rolledOut('roll', 3);
    watching = false;
    await watch;
    expect([fewest, most]).toEqual([3, 4]);
  });

  it('leaves pods alone with OnDelete until they are deleted', async () => {
    await cluster.client.create(resources.daemonSets, daemonSet('manual', { updateStrategy: { type: 'OnDelete' } }));
    await rolledOut('manual', 3);
    await change('manual', imagePatch('agent:2'));
    await cluster.until(
      resources.daemonSets,
      'default',
      'manual',
      ({ status, metadata }) => status?.observedGeneration === metadata.generation && (status?.updatedNumberScheduled ?? 0) === 0,
    );
    const [pod] = await podsOf('manual');
    await cluster.client.delete(resources.pods, { namespace: 'default', name: pod?.metadata.name ?? '' });
    await cluster.until(
      resources.daemonSets,
      'default',
      'manual',
      ({ status }) => status?.updatedNumberScheduled === 1 && status.numberReady === 3,
    );
    const before = cluster.writes();
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(cluster.writes() - before).toBeLessThan(3);
  });

  it('replaces pods that have ended, those that fail again and again more and more slowly', async () => {
    await cluster.client.create(resources.daemonSets, daemonSet('ends'));
    await rolledOut('ends', 3);
    const end = async (phase: string): Promise<string> => {
      const on = (await podsOf('ends')).find((pod) => pod.spec?.nodeName === 'a' && pod.metadata.deletionTimestamp === undefined);
      const key = { namespace: 'default', name: on?.metadata.name ?? '' };
      await cluster.client.patch(resources.pods, key, 'merge', { status: { phase } }, { subresource: 'status' });
      return key.name;
    };
    const replaced = (name: string): Promise<boolean> =>
      cluster.eventually(async () => {
        const pods = await podsOf('ends');
        return pods.length === 3 && pods.every((pod) => pod.metadata.name !== name && pod.status?.phase === 'Running');
      });
    const first = await end('Failed');
    await replaced(first);
    await replaced(await end('Succeeded'));
    const { items } = await cluster.client.list(resources.events, { namespace: 'default' });
    const texts = items
      .filter((event) => event.involvedObject.name === 'ends')
      .map((event) => `${event.type ?? ''} ${event.reason ?? ''}: ${event.message ?? ''}`);
    expect(texts).toContain(`Warning FailedDaemonPod: Found failed daemon pod default/${first} on node a, will try to kill it`);
    expect(texts.some((text) => text.startsWith('Normal SucceededDaemonPod: Found succeeded daemon pod default/ends-'))).toBe(true);
    // The second failure within a second waits for the rest of it.
    await replaced(await end('Failed'));
  });
});
