import { alreadyExists, conflict, expired, notFound } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import type { ApiCall, RawWatchEvent, Transport } from '../src/index.ts';

type Watcher = (event: RawWatchEvent | Error | undefined) => void;

/** A small API server in memory: objects by path, one revision, watches from a revision on. */
export class FakeApi implements Transport {
  readonly objects = new Map<string, KubeObject>();
  readonly calls: ApiCall[] = [];
  revision = 0;
  /** Watches from before this revision are expired. */
  compacted = 0;
  readonly #history: { collection: string; revision: number; event: RawWatchEvent }[] = [];
  readonly #watchers = new Map<Watcher, string>();
  fail: ((call: ApiCall) => Error | undefined) | undefined;

  async call(call: ApiCall): Promise<unknown> {
    this.calls.push(call);
    const error = this.fail?.(call);
    if (error) throw error;
    const collection = collectionOf(call.path);
    const existing = this.objects.get(call.path);
    const about = { group: '', resource: collection.split('/').pop() ?? '' };
    const name = call.path.split('/').pop() ?? '';
    if (call.method === 'GET' && isCollection(call.path)) {
      const items = [...this.objects].filter(([path]) => collectionOf(path) === call.path).map(([, object]) => object);
      return { metadata: { resourceVersion: String(this.revision) }, items };
    }
    if (call.method === 'POST') {
      const object = call.body as KubeObject;
      const path = `${call.path}/${object.metadata.name ?? ''}`;
      if (this.objects.has(path)) throw alreadyExists(about, object.metadata.name ?? '');
      return this.put(path, { ...object, metadata: { uid: `uid-${String(this.revision + 1)}`, ...object.metadata } });
    }
    if (existing === undefined) throw notFound(about, name);
    if (call.method === 'GET') return existing;
    if (call.method === 'DELETE') return this.remove(call.path);
    const change = call.body as KubeObject;
    const expected = change.metadata?.resourceVersion;
    if (expected !== undefined && expected !== existing.metadata.resourceVersion) throw conflict(about, name);
    return this.put(call.path, { ...existing, ...change, metadata: { ...existing.metadata, ...change.metadata } });
  }

  put(path: string, object: KubeObject): KubeObject {
    const type = this.objects.has(path) ? 'MODIFIED' : 'ADDED';
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.revision) } };
    this.objects.set(path, stored);
    this.#publish(path, { type, object: stored });
    return stored;
  }

  remove(path: string): KubeObject | undefined {
    const object = this.objects.get(path);
    if (object === undefined) return undefined;
    this.objects.delete(path);
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.revision) } };
    this.#publish(path, { type: 'DELETED', object: last });
    return last;
  }

  /** Ends every watch, with an error or as if its time were up. */
  cutWatches(error?: Error): void {
    for (const watcher of this.#watchers.keys()) watcher(error);
  }

  get watching(): number {
    return this.#watchers.size;
  }

  async *watch(call: ApiCall): AsyncGenerator<RawWatchEvent> {
    this.calls.push(call);
    const from = Number(call.query?.['resourceVersion'] ?? '0');
    if (from < this.compacted) throw expired('too old resource version');
    const waiting: (RawWatchEvent | Error | undefined)[] = this.#history
      .filter((entry) => entry.collection === call.path && entry.revision > from)
      .map((entry) => entry.event);
    let wake = (): void => undefined;
    const watcher: Watcher = (event) => {
      waiting.push(event);
      wake();
    };
    this.#watchers.set(watcher, call.path);
    call.signal?.addEventListener('abort', () => watcher(undefined));
    try {
      for (;;) {
        while (waiting.length > 0) {
          const event = waiting.shift();
          if (event instanceof Error) throw event;
          if (event === undefined) return;
          yield event;
        }
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  async close(): Promise<void> {
    this.cutWatches();
  }

  #publish(path: string, event: RawWatchEvent): void {
    const collection = collectionOf(path);
    this.#history.push({ collection, revision: this.revision, event });
    for (const [watcher, watched] of this.#watchers) if (watched === collection) watcher(event);
  }
}

function isCollection(path: string): boolean {
  return collectionOf(path) === path;
}

/** Paths in tests are `/api/v1/RESOURCE/NAME` or `…/namespaces/NS/RESOURCE/NAME`. */
function collectionOf(path: string): string {
  const match = /^(\/apis?(?:\/[^/]+)?\/v1(?:\/namespaces\/[^/]+(?=\/))?\/[^/]+)/.exec(path);
  return match?.[1] ?? path;
}
