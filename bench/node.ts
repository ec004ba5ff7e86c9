// What a whole cluster of one node costs and how fast it is, through the real command: start-up, memory and
// processor time when idle, pods, and start-up after a crash. Needs root and a machine without another cluster.
import { setTimeout as sleep } from 'node:timers/promises';
import { createOneNodeCluster } from './cluster/one-node.ts';
import type { OneNodeCluster } from './cluster/one-node.ts';
import { PodFollower, removePods, runningContainers } from './cluster/pods.ts';
import { isAlive, machinery, monitorsKib } from './cluster/processes.ts';
import { percentile, runBenchmark } from './support.ts';
import type { BenchContext, Numbers } from './support.ts';

/** Who starts whom again, from the top. */
const supervised = ['up', 'agent', 'runtime-shim'];

await runBenchmark('node', async (context) => {
  if (process.getuid?.() !== 0) throw new Error('this benchmark needs root');
  const metrics: Numbers = {};
  const ratios: Numbers = {};
  const cluster = await createOneNodeCluster();
  // A cluster outlives whoever started it: an interrupted run takes it down too.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void cluster.remove().finally(() => process.exit(1)));
  try {
    await measureIdle(context, cluster, metrics);
    await cluster.purge();
    const startMs = performance.now();
    await cluster.up();
    metrics['upToAnswerMs'] = performance.now() - startMs;
    context.log(`the quickstart answered after ${metrics['upToAnswerMs'].toFixed(0)} ms`);
    await measurePods(context, cluster, metrics, ratios);
  } finally {
    await cluster.remove();
  }
  return { metrics, ratios };
});

/** An empty cluster, left alone for a minute, then watched for another half. */
async function measureIdle({ quick, log }: BenchContext, cluster: OneNodeCluster, metrics: Numbers): Promise<void> {
  const [settleMs, watchMs] = quick ? [10_000, 5_000] : [60_000, 30_000];
  const startMs = performance.now();
  await cluster.up('--no-quickstart');
  metrics['emptyUpMs'] = performance.now() - startMs;
  log(`the empty cluster is up after ${metrics['emptyUpMs'].toFixed(0)} ms; waiting until it is idle`);
  await sleep(settleMs);
  const before = await machinery(cluster.home);
  await sleep(watchMs);
  const after = await machinery(cluster.home);
  for (const { pid, role, pssKib, cpuMs } of after) {
    const percent = ((cpuMs - (before.find((one) => one.pid === pid)?.cpuMs ?? 0)) * 100) / watchMs;
    log(`idle ${role}: ${(pssKib / 1024).toFixed(1)} MiB, ${percent.toFixed(2)} % of a processor`);
    add(metrics, `idle${nameOf(role)}PssMiB`, pssKib / 1024);
    add(metrics, 'idleTotalPssMiB', pssKib / 1024);
    add(metrics, 'idleTotalCpuPercent', percent);
  }
}

async function measurePods({ quick, log }: BenchContext, cluster: OneNodeCluster, metrics: Numbers, ratios: Numbers): Promise<void> {
  const count = quick ? 10 : 100;
  const { client, transport } = await cluster.connect();
  const follower = new PodFollower(client);
  try {
    await follower.start('warm-up');
    await removePods(client);
    const emptyKib = await machineryKib(cluster);
    const alone: number[] = [];
    for (let index = 0; index < count; index += 1) alone.push(await follower.start(`alone-${index}`));
    metrics['podAloneToRunningP50Ms'] = percentile(alone, 0.5);
    metrics['podAloneToRunningP99Ms'] = percentile(alone, 0.99);
    log(`${count} pods, one after the other: median ${percentile(alone, 0.5).toFixed(0)} ms`);
    await sleep(quick ? 2_000 : 15_000);
    metrics['machineryKibPerPod'] = ((await machineryKib(cluster)) - emptyKib) / count;
    metrics['monitorKibPerPod'] = (await monitorsKib(cluster.runFolder)) / (count + 3); // The quickstart has three.
    metrics['killToAdoptedMs'] = await killAndAdopt(cluster);
    log(`all pods adopted ${metrics['killToAdoptedMs'].toFixed(0)} ms after the kill`);
  } finally {
    follower.stop();
    await transport.close();
  }
  await measureBurst(count, cluster, metrics);
  log(`${count} pods at once: ${metrics['burstPodsPerSecond']?.toFixed(1) ?? ''} a second`);
  ratios['burstToAloneRate'] = ((metrics['burstPodsPerSecond'] ?? 0) * (metrics['podAloneToRunningP50Ms'] ?? 0)) / 1000;
}

/** Kills every process but the containers; resolves with the time until a new cluster has them all. */
async function killAndAdopt(cluster: OneNodeCluster): Promise<number> {
  const before = await containersOf(cluster);
  const startMs = performance.now();
  // The supervisors first, else they start again what was killed. Launchers end with their parents.
  const recorded = (await machinery(cluster.home)).filter(({ role }) => supervised.includes(role));
  for (const { pid } of recorded.sort((a, b) => supervised.indexOf(a.role) - supervised.indexOf(b.role))) process.kill(pid, 'SIGKILL');
  // The kernel takes a while to tear a process down, and its store stays locked until then.
  for (const { pid } of recorded) while (await isAlive(pid)) await sleep(5);
  await cluster.up('--no-quickstart');
  const tookMs = performance.now() - startMs;
  const after = await containersOf(cluster);
  if (before.join() !== after.join()) throw new Error('the containers are not those from before the kill');
  return tookMs;
}

async function containersOf(cluster: OneNodeCluster): Promise<string[]> {
  const { client, transport } = await cluster.connect();
  try {
    return await runningContainers(client);
  } finally {
    await transport.close();
  }
}

async function measureBurst(count: number, cluster: OneNodeCluster, metrics: Numbers): Promise<void> {
  const { client, transport } = await cluster.connect();
  const follower = new PodFollower(client);
  try {
    const deleteMs = performance.now();
    await removePods(client);
    metrics['removeAllPodsMs'] = performance.now() - deleteMs;
    const startMs = performance.now();
    const times = await Promise.all(Array.from({ length: count }, (_, index) => follower.start(`burst-${index}`)));
    metrics['burstPodsPerSecond'] = (count * 1000) / (performance.now() - startMs);
    metrics['podBurstToRunningP50Ms'] = percentile(times, 0.5);
    metrics['podBurstToRunningP99Ms'] = percentile(times, 0.99);
  } finally {
    follower.stop();
    await transport.close();
  }
}

/** Memory of everything that is there because of pods but is no container. */
async function machineryKib(cluster: OneNodeCluster): Promise<number> {
  const processes = await machinery(cluster.home);
  return processes.reduce((sum, { pssKib }) => sum + pssKib, await monitorsKib(cluster.runFolder));
}

function nameOf(role: string): string {
  const names: Readonly<Record<string, string>> = { up: 'Server', agent: 'Agent', 'runtime-shim': 'Shim', launcher: 'Launcher' };
  return names[role] ?? 'Other';
}

function add(metrics: Numbers, key: string, value: number): void {
  metrics[key] = (metrics[key] ?? 0) + value;
}
