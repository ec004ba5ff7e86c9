import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hammer, LoadClient } from './apiserver/load-client.ts';
import type { Answer } from './apiserver/load-client.ts';
import { podOf } from './apiserver/pod.ts';
import { MeasuredProcess } from './apiserver/processes.ts';
import { fanOut } from './apiserver/watchers.ts';
import type { BenchContext, Numbers } from './support.ts';
import { percentile, runBenchmark } from './support.ts';

const connections = 4;
/** Requests under way at once: about as many as controllers and a CI pipeline make together. */
const concurrency = 32;
const namespaces = ['bench-a', 'bench-b'] as const;
/** Shares of all pods: a full list of the first namespace is 20 MB where there are 10,000. */
const firstShare = 0.55;
const concurrentLists = 16;
const collectionOf = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;
const nameOf = (index: number): string => `web-5d4f8c7b9d-${index.toString().padStart(6, '0')}`;

interface Bench {
  readonly context: BenchContext;
  readonly server: MeasuredProcess;
  readonly bare: MeasuredProcess;
  readonly api: LoadClient;
  readonly bareApi: LoadClient;
  readonly metrics: Numbers;
  readonly ratios: Numbers;
  readonly pods: number;
  readonly roundMs: number;
  readonly rounds: number;
  readonly directory: string;
}

/**
 * The API server over HTTPS, asked by this process, next to its limits: a `node:http2` server that
 * does nothing but send the same bytes, and the store written to without an API.
 */
await runBenchmark('apiserver', async (context) => {
  const server = new MeasuredProcess();
  const bare = new MeasuredProcess();
  const directory = await mkdtemp(path.join(tmpdir(), 'bayplan-bench-'));
  const metrics: Numbers = {};
  const ratios: Numbers = {};
  try {
    const started = await server.ask('start', { role: 'server' });
    const bareStarted = await bare.ask('start', { role: 'bare' });
    const api = await LoadClient.open(started.url, started.credentials, connections);
    const bareApi = await LoadClient.open(bareStarted.url, bareStarted.credentials, connections);
    const [pods, roundMs, rounds] = context.quick ? [2_000, 700, 1] : [10_000, 2_000, 3];
    const bench: Bench = { context, server, bare, api, bareApi, metrics, ratios, pods, roundMs, rounds, directory };
    await creates(bench);
    await gets(bench);
    await lists(bench);
    await writes(bench);
    await watches(bench);
    await manyLists(bench);
    if (!context.quick) await grow(bench, 100_000);
    api.close();
    bareApi.close();
  } finally {
    await server.stop();
    await bare.stop();
    await rm(directory, { recursive: true, force: true });
  }
  return { metrics, ratios };
});

function pathOf(bench: Bench, index: number): string {
  const namespace = index < bench.pods * firstShare ? namespaces[0] : namespaces[1];
  return `${collectionOf(namespace)}/${nameOf(index)}`;
}

async function creates(bench: Bench): Promise<void> {
  const { api, context, server, metrics, ratios, pods } = bench;
  await server.ask('collect', null);
  const before = await server.residentBytes();
  for (const name of namespaces) {
    await must(api.request('POST', '/api/v1/namespaces', json({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })));
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
    await must(api.request('POST', `/api/v1/namespaces/${name}/serviceaccounts`, json(account)));
  }
  // The load client and the server warm up on objects of their own.
  await hammer(8, { count: context.quick ? 300 : 3_000 }, (index) =>
    api.request('POST', collectionOf('bench-b'), json(podOf('bench-b', `warm-${index.toString()}`))),
  );
  await must(api.request('DELETE', `${collectionOf('bench-b')}?gracePeriodSeconds=0`));
  const body = JSON.stringify(podOf('bench-b', 'sized'));
  metrics['sentPodBytes'] = body.length;
  let made = 0;
  const create = (): Promise<Answer> => {
    const index = made++;
    const namespace = index < pods * firstShare ? namespaces[0] : namespaces[1];
    return api.request('POST', collectionOf(namespace), json(podOf(namespace, nameOf(index))));
  };
  for (const [label, workers, share] of [
    ['create', concurrency, 0.9],
    ['create1', 1, 0.1],
  ] as const) {
    const count = Math.round(pods * share);
    await measured(bench, label, (run) => run(workers, { count }, create));
    const raw = await server.ask('rawWrites', { writers: workers, durationMs: bench.roundMs, bytes: 4000 });
    metrics[`${label}RawPerSecond`] = raw;
    ratios[`${label}ToRawStore`] = (metrics[`${label}PerSecond`] ?? Number.NaN) / raw;
  }
  await server.ask('collect', null);
  metrics['residentBytesPerPod10k'] = ((await server.residentBytes()) - before) / pods;
}

async function gets(bench: Bench): Promise<void> {
  const { api, pods } = bench;
  const { body } = await api.request('GET', pathOf(bench, 0), { keep: true });
  bench.metrics['podBytes'] = body.length;
  await serveBare(bench, '/get', body);
  await against(bench, 'get', concurrency, (index) => api.request('GET', pathOf(bench, (index * 7919) % pods)));
}

async function lists(bench: Bench): Promise<void> {
  const { api, metrics } = bench;
  const { body } = await api.request('GET', '/api/v1/pods', { keep: true });
  metrics['listBytes'] = body.length;
  await serveBare(bench, '/list', body);
  await against(bench, 'list', 2, () => api.request('GET', '/api/v1/pods'));
}

async function writes(bench: Bench): Promise<void> {
  const { api, pods, context } = bench;
  const patch = (index: number): Promise<Answer> =>
    api.request('PATCH', pathOf(bench, index % pods), {
      body: JSON.stringify({ metadata: { annotations: { 'example.com/turn': index.toString() } } }),
      contentType: 'application/strategic-merge-patch+json',
    });
  const apply = (index: number): Promise<Answer> =>
    api.request('PATCH', `${pathOf(bench, index % pods)}?fieldManager=bench-apply`, {
      body: JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { labels: { turn: index.toString() }, annotations: { one: 'a', two: 'b' } },
      }),
      contentType: 'application/apply-patch+yaml',
    });
  for (const [label, work] of [
    ['patch', patch],
    ['apply', apply],
  ] as const) {
    await hammer(concurrency, { count: context.quick ? 200 : 2_000 }, work);
    await measured(bench, label, (run) => run(concurrency, { durationMs: bench.roundMs }, work));
  }
}

async function watches(bench: Bench): Promise<void> {
  const { api, context, metrics, server } = bench;
  const watchers = context.quick ? 200 : 1_000;
  await server.ask('collect', null);
  const before = await server.residentBytes();
  const cpuBefore = await server.ask('cpu', null);
  await server.ask('loopDelay', null);
  const result = await fanOut({
    api,
    path: `${collectionOf('bench-a')}?watch=true&resourceVersion=`,
    list: collectionOf('bench-a'),
    watchers,
    changes: context.quick ? 50 : 200,
    change: (index) =>
      api.request('PATCH', pathOf(bench, index), {
        body: JSON.stringify({ metadata: { annotations: { 'example.com/fan': index.toString() } } }),
        contentType: 'application/merge-patch+json',
      }),
    whenOpen: async () => {
      await server.ask('collect', null);
      metrics['residentBytesPerWatcher'] = ((await server.residentBytes()) - before) / watchers;
    },
  });
  metrics['watchers'] = watchers;
  metrics['watchEventsPerSecond'] = result.eventsPerSecond;
  metrics['watchP50Ms'] = percentile(result.latenciesMs, 0.5);
  metrics['watchP99Ms'] = percentile(result.latenciesMs, 0.99);
  metrics['watchCpuUsPerEvent'] = (((await server.ask('cpu', null)) - cpuBefore) * 1000) / result.events;
  await loopDelay(bench, 'watch');
  context.log(`watch: ${Math.round(result.eventsPerSecond).toString()} events/s to ${watchers.toString()} watchers`);
}

async function manyLists(bench: Bench): Promise<void> {
  const { api, server, metrics, context } = bench;
  await server.ask('loopDelay', null);
  let bytes = 0;
  const start = performance.now();
  metrics['manyListsGrowthBytes'] = await server.growthDuring(async () => {
    const answers = await Promise.all(Array.from({ length: concurrentLists }, () => api.request('GET', collectionOf('bench-a'))));
    for (const answer of answers) bytes += answer.bytes;
  });
  metrics['manyListsBytesEach'] = bytes / concurrentLists;
  metrics['manyListsSeconds'] = (performance.now() - start) / 1000;
  await loopDelay(bench, 'manyLists');
  context.log(`${concurrentLists.toString()} lists at once: ${Math.round(metrics['manyListsGrowthBytes'] / 1e6).toString()} MB more`);
}

/** Many more pods, for what each costs when there are many. */
async function grow(bench: Bench, total: number): Promise<void> {
  const { api, server, metrics, context, pods } = bench;
  await server.ask('collect', null);
  const before = await server.residentBytes();
  await server.ask('loopDelay', null);
  let made = pods;
  await hammer(concurrency, { count: total - pods }, () => {
    const index = made++;
    return api.request('POST', collectionOf('bench-b'), json(podOf('bench-b', nameOf(index))));
  });
  await loopDelay(bench, 'grow');
  await server.ask('collect', null);
  const after = await server.residentBytes();
  metrics['residentBytesPerPod100k'] = (after - before) / (total - pods);
  metrics['residentBytes100k'] = after;
  const { ms, bytes } = await api.request('GET', '/api/v1/pods');
  metrics['list100kMs'] = ms;
  metrics['list100kBytes'] = bytes;
  await loopDelay(bench, 'list100k');
  context.log(`${total.toString()} pods: ${Math.round(metrics['residentBytesPerPod100k']).toString()} bytes each`);
}

type Run = typeof hammer;

/** One measurement of the API server: rate, latency, processor time a request, lateness of its event loop. */
async function measured(bench: Bench, label: string, work: (run: Run) => Promise<Awaited<ReturnType<Run>>>): Promise<void> {
  const { server, metrics, context } = bench;
  await server.ask('collect', null);
  await server.ask('loopDelay', null);
  const cpuBefore = await server.ask('cpu', null);
  const result = await work(hammer);
  const cpuMs = (await server.ask('cpu', null)) - cpuBefore;
  metrics[`${label}PerSecond`] = result.perSecond;
  metrics[`${label}P50Ms`] = percentile(result.latenciesMs, 0.5);
  metrics[`${label}P99Ms`] = percentile(result.latenciesMs, 0.99);
  metrics[`${label}CpuUs`] = (cpuMs * 1000) / result.count;
  await loopDelay(bench, label);
  context.log(
    `${label}: ${Math.round(result.perSecond).toString()}/s, ${Math.round((cpuMs * 1000) / result.count).toString()} us of processor each`,
  );
}

async function loopDelay(bench: Bench, label: string): Promise<void> {
  bench.metrics[`${label}LoopDelayP99Ms`] = (await bench.server.ask('loopDelay', null)).p99Ms;
}

/** Reads from the API server and from the bare one, in turns; the medians go into the result. */
async function against(bench: Bench, label: string, workers: number, work: (index: number) => Promise<Answer>): Promise<void> {
  const { server, bare, bareApi, metrics, ratios, context } = bench;
  const limit = { durationMs: bench.roundMs };
  const bareWork = (): Promise<Answer> => bareApi.request('GET', `/${label}`);
  await hammer(workers, { count: workers * 4 }, bareWork);
  await hammer(workers, { count: workers * 4 }, work);
  await server.ask('loopDelay', null);
  const rates: number[] = [];
  const bareRates: number[] = [];
  const latenciesMs: number[] = [];
  const cpuUs: number[] = [];
  const bareCpuUs: number[] = [];
  const bytes: number[] = [];
  for (let round = 0; round < bench.rounds; round += 1) {
    for (const [process, run, toRates, toCpu] of [
      [bare, bareWork, bareRates, bareCpuUs],
      [server, work, rates, cpuUs],
    ] as const) {
      const before = await process.ask('cpu', null);
      const result = await hammer(workers, limit, run);
      toCpu.push((((await process.ask('cpu', null)) - before) * 1000) / result.count);
      toRates.push(result.perSecond);
      if (process !== server) continue;
      latenciesMs.push(...result.latenciesMs);
      bytes.push(result.bytesPerSecond);
    }
  }
  const median = (values: readonly number[]): number => percentile(values, 0.5);
  metrics[`${label}PerSecond`] = median(rates);
  metrics[`${label}BarePerSecond`] = median(bareRates);
  metrics[`${label}P50Ms`] = median(latenciesMs);
  metrics[`${label}P99Ms`] = percentile(latenciesMs, 0.99);
  metrics[`${label}CpuUs`] = median(cpuUs);
  metrics[`${label}BareCpuUs`] = median(bareCpuUs);
  metrics[`${label}BytesPerSecond`] = median(bytes);
  ratios[`${label}ToBare`] = median(rates) / median(bareRates);
  ratios[`${label}CpuToBare`] = median(bareCpuUs) / median(cpuUs);
  await loopDelay(bench, label);
  context.log(`${label}: ${Math.round(median(rates)).toString()}/s, bare ${Math.round(median(bareRates)).toString()}/s`);
}

async function serveBare(bench: Bench, served: string, body: Buffer): Promise<void> {
  const file = path.join(bench.directory, served.slice(1));
  await writeFile(file, body);
  await bench.bare.ask('serve', { path: served, file });
}

function json(value: object): { readonly body: string; readonly contentType: string; readonly keep: boolean } {
  return { body: JSON.stringify(value), contentType: 'application/json', keep: false };
}

async function must(answer: Promise<Answer>): Promise<void> {
  const { status } = await answer;
  if (status >= 300) throw new Error(`setting up failed with ${status.toString()}`);
}
