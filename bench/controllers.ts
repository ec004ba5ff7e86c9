// What the controllers do in a real control plane whose nodes are simulated: how long, with how many writes, and how much when idle.
import { resources } from '@bayplan/api';
import type { ConfigMap, Deployment } from '@bayplan/api';
import { createInformerFactory } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { silentLogger, systemClock } from '@bayplan/component-base';
import { createOneNodeCluster } from './cluster/one-node.ts';
import { machinery } from './cluster/processes.ts';
import { pssKib, requestCounts, writesBetween } from './cluster/request-counts.ts';
import { runBenchmark } from './support.ts';
import type { BenchContext, BenchResult, Numbers } from './support.ts';

const nodes = 10;
const deadlineMs = 600_000;

function deployment(namespace: string, name: string, replicas: number, image = 'app:1'): Deployment {
  const labels = { app: name };
  return {
    metadata: { namespace, name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'app', image }], terminationGracePeriodSeconds: 0 } },
    },
  };
}

async function until(what: string, check: () => boolean): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!check()) {
    if (performance.now() > endMs) throw new Error(`Not within ${String(deadlineMs)} ms: ${what}`);
    await systemClock.sleep(20);
  }
}

const isRolledOut = ({ metadata, spec, status = {} }: Deployment): boolean =>
  status.observedGeneration === metadata.generation &&
  status.updatedReplicas === spec?.replicas &&
  status.replicas === spec?.replicas &&
  status.availableReplicas === spec?.replicas;

async function limited(count: number, atOnce: number, run: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) await run(next++);
    }),
  );
}

async function measure({ quick, log }: BenchContext): Promise<BenchResult> {
  const scale = quick ? 10 : 1;
  const cluster = await createOneNodeCluster();
  const metrics: Numbers = {};
  const ratios: Numbers = {};
  const stop = new AbortController();
  try {
    await cluster.up('--hollow', String(nodes));
    const { client, transport } = await cluster.connect();
    const informers = createInformerFactory({ client, clock: systemClock, logger: silentLogger });
    const deployments = informers.informer(resources.deployments);
    const pods = informers.informer(resources.pods);
    const namespaces = informers.informer(resources.namespaces);
    informers.start(stop.signal);
    await informers.synced();
    const server = (await machinery(cluster.home)).find(({ role }) => role === 'up')?.pid ?? 0;
    const cpuMs = async (): Promise<number> => (await machinery(cluster.home)).reduce((sum, usage) => sum + usage.cpuMs, 0);
    /** Seconds that `run` takes; notes as `NAMECpuMs` the control plane's processor time for each of `count`. */
    const timed = async (name: string, count: number, run: () => Promise<void>): Promise<number> => {
      const fromMs = await cpuMs();
      const startMs = performance.now();
      await run();
      const seconds = (performance.now() - startMs) / 1000;
      metrics[`${name}CpuMs`] = ((await cpuMs()) - fromMs) / count;
      return seconds;
    };
    const oneDone = (name: string): boolean => {
      const found = deployments.lister.get(`default/${name}`);
      return found !== undefined && isRolledOut(found);
    };

    const large = 5000 / scale;
    log(`one Deployment of ${String(large)} replicas`);
    const beforeLarge = await requestCounts(cluster.home);
    const startMs = performance.now();
    const readySeconds = await timed('largeReadyPerPod', large, async () => {
      await client.create(resources.deployments, deployment('default', 'large', large));
      await until('all pods created', () => pods.lister.list('default').length >= large);
      metrics['largeCreatedSeconds'] = (performance.now() - startMs) / 1000;
      await until('rolled out', () => oneDone('large'));
    });
    metrics['largeReadySeconds'] = readySeconds;
    const writes = writesBetween(beforeLarge, await requestCounts(cluster.home));
    log(
      `writes: ${writes.byKind
        .slice(0, 12)
        .map(([kind, count]) => `${kind} ${String(count)}`)
        .join(', ')}`,
    );
    metrics['writesPerPod'] = writes.total / large;
    const ofController = writes.byKind
      .filter(
        ([kind]) =>
          /^(POST pods|PUT replicasets|POST replicasets|PUT deployments|PATCH deployments)/.test(kind) && !kind.includes('binding'),
      )
      .reduce((sum, [, count]) => sum + count, 0);
    metrics['controllerWritesPerPod'] = ofController / large;
    metrics['serverPssMib'] = (await pssKib(server)) / 1024;

    log('the same, rolled to a new revision');
    metrics['largeRolledSeconds'] = await timed('largeRolledPerPod', large, async () => {
      const { generation } = (
        await client.update(resources.deployments, {
          ...(await client.get(resources.deployments, { namespace: 'default', name: 'large' })),
          spec: deployment('default', 'large', large, 'app:2').spec,
        })
      ).metadata;
      const isSeen = (): boolean => deployments.lister.get('default/large')?.metadata.generation === generation;
      await until('rolled to the new revision', () => isSeen() && oneDone('large') && pods.lister.list('default').length === large);
    });
    await client.delete(resources.deployments, { namespace: 'default', name: 'large' }, { propagationPolicy: 'Background' });
    await until('all pods gone', () => pods.lister.list('default').length === 0);

    const many = 1000 / scale;
    log(`${String(many)} Deployments of 3`);
    const beforeMany = await requestCounts(cluster.home);
    await client.create(resources.namespaces, { metadata: { name: 'many' } });
    metrics['manyReadySeconds'] = await timed('manyReadyPerPod', many * 3, async () => {
      await limited(many, 20, (index) => client.create(resources.deployments, deployment('many', `app-${String(index)}`, 3)));
      await until('all rolled out', () => deployments.lister.list('many').filter(isRolledOut).length === many);
    });
    metrics['manyWritesPerPod'] = writesBetween(beforeMany, await requestCounts(cluster.home)).total / (many * 3);

    log('nothing changes for 30 s');
    // Events of what was done are still being written for a while.
    await systemClock.sleep(20_000);
    const idleFrom = await cpuMs();
    await systemClock.sleep(30_000);
    metrics['idleCpuPercent'] = ((await cpuMs()) - idleFrom) / 300;

    metrics['namespaceDeletedSeconds'] = await deleteNamespace(
      client,
      10_000 / scale,
      () => namespaces.lister.get('full') === undefined,
      log,
    );
    ratios['rolledToCreated'] = (metrics['largeRolledSeconds'] ?? 0) / readySeconds;
    stop.abort();
    await transport.close();
  } finally {
    stop.abort();
    await cluster.remove();
  }
  return { metrics, ratios };
}

/** How long a namespace full of ConfigMaps takes to go. */
async function deleteNamespace(client: Client, objects: number, isGone: () => boolean, log: (text: string) => void): Promise<number> {
  log(`a namespace with ${String(objects)} objects is deleted`);
  await client.create(resources.namespaces, { metadata: { name: 'full' } });
  await limited(objects, 20, (index) => {
    const object: ConfigMap = { metadata: { namespace: 'full', name: `object-${String(index)}` }, data: { index: String(index) } };
    return client.create(resources.configMaps, object);
  });
  await systemClock.sleep(1000);
  const startMs = performance.now();
  await client.delete(resources.namespaces, { name: 'full' });
  await until('namespace gone', isGone);
  return (performance.now() - startMs) / 1000;
}

await runBenchmark('controllers', measure);
