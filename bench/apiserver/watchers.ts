import { once } from 'node:events';
import type { Answer, LoadClient } from './load-client.ts';

export interface FanOutOptions {
  readonly api: LoadClient;
  /** Where to watch, up to the resourceVersion. */
  readonly path: string;
  readonly list: string;
  readonly watchers: number;
  readonly changes: number;
  readonly change: (index: number) => Promise<Answer>;
  /** Runs when every watch is open and nothing has happened yet. */
  readonly whenOpen: () => Promise<void>;
}

export interface FanOutResult {
  readonly events: number;
  readonly eventsPerSecond: number;
  /** From the answer to a change until a watcher has the event. */
  readonly latenciesMs: readonly number[];
}

const newline = 10;

/** Opens watches, makes changes one after another, and waits until every watcher has seen every change. */
export async function fanOut(options: FanOutOptions): Promise<FanOutResult> {
  const { api, watchers, changes } = options;
  const { body } = await api.request('GET', `${options.list}?limit=1`, { keep: true });
  const { metadata } = JSON.parse(body.toString('utf8')) as { metadata: { resourceVersion: string } };
  const sentAt: number[] = [];
  const latenciesMs: number[] = [];
  let received = 0;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const streams = await Promise.all(
    Array.from({ length: watchers }, async () => {
      const stream = await api.open(options.path + metadata.resourceVersion);
      let seen = 0;
      stream.on('data', (chunk: Buffer) => {
        for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) {
          latenciesMs.push(performance.now() - (sentAt[seen++] ?? Number.NaN));
          received += 1;
        }
        if (received === watchers * changes) finish();
      });
      return stream;
    }),
  );
  await options.whenOpen();
  const start = performance.now();
  for (let index = 0; index < changes; index += 1) {
    sentAt.push(performance.now());
    await options.change(index);
  }
  await finished;
  const seconds = (performance.now() - start) / 1000;
  for (const stream of streams) stream.close();
  await Promise.all(streams.map((stream) => (stream.closed ? undefined : once(stream, 'close'))));
  return { events: received, eventsPerSecond: received / seconds, latenciesMs };
}
