import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openEmbeddedStore, openEtcdStore } from '@bayplan/store';
import type { Store } from '@bayplan/store';
import { etcdMissing, startEtcd } from '@bayplan/store/testing';
import { Etcd3 } from 'etcd3';
import { open } from 'lmdb';
import type { BenchContext, Numbers } from './support.ts';
import { percentile, runBenchmark } from './support.ts';

/** About the size of a pod as it is stored. */
const value = Buffer.alloc(2048, 'pod ');
const writerCounts = [1, 16, 256];

/** One durable write of a new key. */
type Write = (key: string) => Promise<unknown>;

interface Contender {
  readonly name: string;
  readonly write: Write;
}

/**
 * How much of what LMDB and etcd can do is left once conditions, history, revisions and events are
 * added: durable writes a second through the store, and raw ones of the same size to the same disk
 * in the same run, in turns.
 */
await runBenchmark('store', async (context) => {
  const metrics: Numbers = {};
  const ratios: Numbers = {};
  const directory = await mkdtemp(path.join(tmpdir(), 'bayplan-bench-'));
  try {
    await embedded(context, directory, metrics, ratios);
    if (etcdMissing === undefined) await etcd(context, metrics, ratios);
    else context.log(`skipped etcd: ${etcdMissing}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return { metrics, ratios };
});

async function embedded(context: BenchContext, directory: string, metrics: Numbers, ratios: Numbers): Promise<void> {
  const store = await openEmbeddedStore({ directory: path.join(directory, 'store') });
  const raw = open<Buffer, string>({
    path: path.join(directory, 'raw'),
    noSubdir: false,
    overlappingSync: false,
    compression: false,
    encoding: 'binary',
  });
  await compare(
    context,
    'embedded',
    { name: 'store', write: creating(store) },
    { name: 'lmdb', write: (key) => raw.put(key, value) },
    metrics,
    ratios,
  );
  await reads(context, store, metrics);
  await store.close();
  await raw.close();
}

async function etcd(context: BenchContext, metrics: Numbers, ratios: Numbers): Promise<void> {
  const server = await startEtcd();
  try {
    const store = await openEtcdStore({ endpoints: [server.endpoint] });
    const raw = new Etcd3({ hosts: server.endpoint });
    await compare(
      context,
      'etcd',
      { name: 'store', write: creating(store) },
      { name: 'raw', write: (key) => raw.kv.put({ key: Buffer.from(key), value }) },
      metrics,
      ratios,
    );
    await store.close();
    raw.close();
  } finally {
    await server.dispose();
  }
}

function creating(store: Store): Write {
  return (key) => store.create(key, value);
}

async function compare(
  context: BenchContext,
  backend: string,
  ours: Contender,
  raw: Contender,
  metrics: Numbers,
  ratios: Numbers,
): Promise<void> {
  const rounds = context.quick ? 1 : 3;
  const durationMs = context.quick ? 700 : 2000;
  for (const writers of writerCounts) {
    const rates: Record<string, number[]> = {};
    const latencies: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const contender of [raw, ours]) {
        const result = await measure(
          contender.write,
          writers,
          durationMs,
          `${backend}/${contender.name}/${String(writers)}/${String(round)}`,
        );
        (rates[contender.name] ??= []).push(result.perSecond);
        if (contender === ours) latencies.push(...result.latenciesMs);
        context.log(`${backend}, ${String(writers)} writers, ${contender.name}: ${String(Math.round(result.perSecond))} writes/s`);
      }
    }
    const median = (contender: Contender): number => percentile(rates[contender.name] ?? [], 0.5);
    const label = `${backend}${String(writers)}`;
    metrics[`${label}WritesPerSecond`] = median(ours);
    metrics[`${label}RawWritesPerSecond`] = median(raw);
    metrics[`${label}P50Ms`] = percentile(latencies, 0.5);
    metrics[`${label}P99Ms`] = percentile(latencies, 0.99);
    ratios[`${label}ToRaw`] = median(ours) / median(raw);
  }
}

async function measure(
  write: Write,
  writers: number,
  durationMs: number,
  prefix: string,
): Promise<{ perSecond: number; latenciesMs: number[] }> {
  const latenciesMs: number[] = [];
  const start = performance.now();
  const one = async (name: number): Promise<void> => {
    for (let count = 0; performance.now() - start < durationMs; count += 1) {
      const before = performance.now();
      await write(`/registry/pods/default/${prefix}/${String(name)}-${String(count)}`);
      latenciesMs.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, name) => one(name)));
  return { perSecond: (latenciesMs.length * 1000) / (performance.now() - start), latenciesMs };
}

async function reads(context: BenchContext, store: Store, metrics: Numbers): Promise<void> {
  const start = performance.now();
  const { items } = await store.list({ prefix: '/registry/pods/' });
  metrics['embeddedListItemsPerSecond'] = (items.length * 1000) / (performance.now() - start);
  const wanted = items.slice(0, 5000);
  const before = performance.now();
  for (const { key } of wanted) await store.get(key);
  metrics['embeddedGetsPerSecond'] = (wanted.length * 1000) / (performance.now() - before);
  context.log(`listed ${String(items.length)} items`);
}
