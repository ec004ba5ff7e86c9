import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';

export interface ContainerExit {
  readonly exitCode: number;
  /** Nanoseconds since the epoch. */
  readonly finishedAt: number;
}

/** The longest that a timer can wait, 24 days; a longer one would fire at once. */
const longestWaitMs = 2 ** 31 - 1;

/** Learns of ended containers from the files that conmon writes, by inotify; nothing is polled. */
export class Exits {
  readonly #folder: string;
  readonly #handle: (id: string, exit: ContainerExit) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  readonly #seen = new Set<string>();
  readonly #waiting = new Map<string, Set<() => void>>();
  #watcher: FSWatcher | undefined;

  /** `handle` is called once for each container that ends, and must not throw for unknown ids. */
  constructor(folder: string, handle: (id: string, exit: ContainerExit) => Promise<void>, onError: (error: unknown) => void) {
    this.#folder = folder;
    this.#handle = handle;
    this.#onError = onError;
  }

  /** Handles what is there already, then watches. */
  async start(): Promise<void> {
    this.#watcher = watch(this.#folder, (_event, name) => {
      if (name !== null) void this.#look(name);
    });
    this.#watcher.on('error', this.#onError);
    for (const name of await readdir(this.#folder)) await this.#look(name);
  }

  stop(): void {
    this.#watcher?.close();
  }

  /** The exit of a container if it has ended. */
  async read(id: string): Promise<ContainerExit | undefined> {
    const file = path.join(this.#folder, id);
    try {
      const [text, stats] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
      return text === '' ? undefined : { exitCode: Number(text), finishedAt: Math.round(stats.mtimeMs * 1e6) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Resolves once the exit was handled, true, or false after `timeoutMs` (24 days at most), the signal, or the container's removal. */
  wait(id: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.#seen.has(id)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiters = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiters);
      const finish = (ended: boolean): void => {
        clearTimeout(timer);
        waiters.delete(settled);
        signal?.removeEventListener('abort', gaveUp);
        resolve(ended);
      };
      const settled = (): void => finish(this.#seen.has(id));
      const gaveUp = (): void => finish(false);
      const timer = setTimeout(gaveUp, Math.min(timeoutMs, longestWaitMs));
      waiters.add(settled);
      signal?.addEventListener('abort', gaveUp, { once: true });
    });
  }

  /** Forgets a removed container. */
  forget(id: string): void {
    this.#seen.delete(id);
    for (const waiter of this.#waiting.get(id) ?? []) waiter();
    this.#waiting.delete(id);
  }

  async #look(name: string): Promise<void> {
    // Conmon writes a draft with another name first.
    if (!/^[0-9a-f]{64}$/.test(name) || this.#seen.has(name)) return;
    try {
      const exit = await this.read(name);
      if (exit === undefined || this.#seen.has(name)) return;
      this.#seen.add(name);
      await this.#handle(name, exit);
      for (const waiter of this.#waiting.get(name) ?? []) waiter();
      this.#waiting.delete(name);
    } catch (error) {
      this.#onError(error);
    }
  }
}
