import type { Node, Pod } from '@bayplan/api';
import type { Clock, Logger } from '@bayplan/component-base';
import { request } from 'node:https';
import type { NodeLink } from '../connect/node-link.ts';
import type { Registry } from '../registry/registry.ts';
import { readSummary } from './node-summary.ts';
import type { CpuCounters } from './node-summary.ts';
import { isSimulated, syntheticUsage } from './synthetic-usage.ts';
import type { NodeUsage } from './usage.ts';

/** A reading answers this long; nodes are asked only when somebody asks us. */
const keptMs = 15_000;
const timeoutMs = 5000;
const firstWindowMs = 1500;
/** Nodes asked at once. */
const parallel = 16;
const maxSummaryBytes = 64 * 1024 * 1024;

interface Entry {
  readonly atMs: number;
  readonly reading: Promise<NodeUsage | undefined>;
}

/** What nodes and pods use, asked of the nodes' agents on demand. */
export class UsageSource {
  readonly #options: { readonly registry: Registry; readonly nodes: NodeLink; readonly clock: Clock; readonly logger: Logger };
  readonly #entries = new Map<string, Entry>();
  readonly #counters = new Map<string, CpuCounters>();

  constructor(options: { readonly registry: Registry; readonly nodes: NodeLink; readonly clock: Clock; readonly logger: Logger }) {
    this.#options = options;
  }

  /** The usage of nodes by name; those that do not answer are left out. */
  async of(nodes: readonly Node[]): Promise<Map<string, NodeUsage>> {
    this.#forgetOthers();
    const found = new Map<string, NodeUsage>();
    let next = 0;
    const work = async (): Promise<void> => {
      for (let node = nodes[next++]; node !== undefined; node = nodes[next++]) {
        const name = node.metadata.name ?? '';
        const usage = await this.#usageOf(node, name);
        if (usage !== undefined) found.set(name, usage);
      }
    };
    await Promise.all(Array.from({ length: Math.min(parallel, nodes.length) }, work));
    return found;
  }

  #usageOf(node: Node, name: string): Promise<NodeUsage | undefined> {
    const { clock, logger } = this.#options;
    const entry = this.#entries.get(name);
    if (entry !== undefined && clock.monotonic() - entry.atMs < keptMs) return entry.reading;
    const reading = (isSimulated(node) ? this.#simulated(name) : this.#ask(name)).catch((error: unknown) => {
      logger.debug('Failed to read what a node uses', { node: name, err: error });
      return undefined;
    });
    this.#entries.set(name, { atMs: clock.monotonic(), reading });
    return reading;
  }

  async #simulated(name: string): Promise<NodeUsage> {
    const { cache } = this.#options.registry.stored('', 'v1', 'pods').storage;
    await cache.start();
    const entries = cache.list({ indexValue: name, matches: () => true, namespace: undefined });
    return syntheticUsage(
      entries.map((entry) => entry.stored.object as Pod),
      this.#options.clock.now(),
    );
  }

  async #ask(name: string): Promise<NodeUsage> {
    const { nodes, clock } = this.#options;
    const url = new URL('/stats/summary', await nodes.urlOf(name));
    const agent = await nodes.agent();
    let before = this.#counters.get(name);
    if (before === undefined || clock.now() - before.atMs > keptMs * 8) {
      // A rate takes two readings: whoever asks first waits a moment for the second.
      before = readSummary(await fetchText(url, agent), clock.now(), undefined).counters;
      await clock.sleep(firstWindowMs);
    }
    const { usage, counters } = readSummary(await fetchText(url, agent), clock.now(), before);
    this.#counters.set(name, counters);
    return usage;
  }

  /** Readings that nobody has asked for lately, and counters of nodes that are gone. */
  #forgetOthers(): void {
    const nowMs = this.#options.clock.monotonic();
    for (const [name, entry] of this.#entries) {
      if (nowMs - entry.atMs <= keptMs * 8) continue;
      this.#entries.delete(name);
      this.#counters.delete(name);
    }
  }
}

function fetchText(url: URL, agent: Awaited<ReturnType<NodeLink['agent']>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxSummaryBytes) outgoing.destroy(new Error('the summary is too large'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
        else reject(new Error(`the node answered ${String(response.statusCode)}`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
