import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Revision, Store } from '../src/index.ts';
import { collectWatch } from '../src/testing/index.ts';

const script = fileURLToPath(new URL('writing-process.mjs', import.meta.url));

/** A write that the process was told is done. */
export interface Acknowledged {
  readonly key: string;
  readonly count: number;
  readonly revision: Revision;
}

export interface WritingProcess {
  readonly acknowledged: readonly Acknowledged[];
  /** Resolves once something was acknowledged. */
  readonly started: Promise<void>;
  /** Kills it without warning; resolves when all it had said was read. */
  kill(): Promise<void>;
}

/** Starts `writing-process.mjs`, which uses the built package. */
export function startWriting(backend: 'embedded' | 'etcd', place: string, writers: number): WritingProcess {
  const child: ChildProcess = spawn(process.execPath, [script, backend, place, String(writers)], { stdio: ['ignore', 'pipe', 'pipe'] });
  assert.ok(child.stdout && child.stderr);
  const acknowledged: Acknowledged[] = [];
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const started = new Promise<void>((resolve, reject) => {
    child.once('close', () => reject(new Error(`The writing process ended early: ${complaint}`)));
    createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) => {
      const [word, key, count, revision] = line.split(' ');
      // The last line may be cut short: then it was not said.
      if (word !== 'ack' || key === undefined || revision === undefined) return;
      acknowledged.push({ key, count: Number(count), revision: Number(revision) as Revision });
      resolve();
    });
  });
  started.catch(() => undefined);
  return {
    acknowledged,
    started,
    async kill() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

/** Nothing acknowledged is lost, nothing is half there, and history agrees with the present. */
export async function checkSurvivors(store: Store, acknowledged: readonly Acknowledged[]): Promise<void> {
  const present = new Map<string, { readonly count: number; readonly revision: Revision }>();
  for (const item of (await store.list({ prefix: '/writer/' })).items)
    present.set(item.key, { count: countOf(item.key, item.value), revision: item.revision });
  for (const { key, count, revision } of acknowledged) {
    const now = present.get(key);
    assert.ok(
      now !== undefined && now.count >= count && now.revision >= revision,
      `${key} ${String(count)} at ${String(revision)} was acknowledged; found ${JSON.stringify(now)}`,
    );
  }
  for (const { key, count, revision } of acknowledged.slice(-200)) {
    const { item } = await store.get(key, { revision });
    assert.equal(item === undefined ? undefined : countOf(key, item.value), count, `${key} at ${String(revision)}`);
  }
  const replay = collectWatch(store, '/writer/', 1 as Revision);
  await replay.untilReached(await store.currentRevision());
  await replay.stop();
  const counts = new Map<string, number>();
  for (const event of replay.events) {
    const count = countOf(event.key, event.value);
    assert.equal(count, (counts.get(event.key) ?? 0) + 1, `${event.key} at ${String(event.revision)}`);
    counts.set(event.key, count);
  }
  assert.deepEqual(counts, new Map([...present].map(([key, { count }]) => [key, count])));
}

function countOf(key: string, value: Buffer): number {
  const parsed = JSON.parse(value.toString()) as { key: string; count: number; padding: string };
  assert.equal(parsed.key, key);
  assert.equal(parsed.padding.length, (parsed.count * 997) % 9000);
  return parsed.count;
}
