import { RpcError } from '@bayplan/rpc';

/** More events than a healthy listener ever lags behind; one that does is cut and lists again. */
const maxBuffered = 4096;

/** Passes events to any number of listeners, each with a bounded buffer. */
export class EventHub<T> {
  readonly #listeners = new Set<{ push(event: T): void }>();

  publish(event: T): void {
    for (const listener of this.#listeners) listener.push(event);
  }

  /** Every event from now on, until the signal aborts. Fails with RESOURCE_EXHAUSTED when the consumer is too slow. */
  async *listen(signal: AbortSignal): AsyncGenerator<T> {
    const buffer: T[] = [];
    let wake: () => void = () => undefined;
    let overflow = false;
    const listener = {
      push(event: T): void {
        if (buffer.length >= maxBuffered) overflow = true;
        else buffer.push(event);
        wake();
      },
    };
    const stop = (): void => wake();
    this.#listeners.add(listener);
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!signal.aborted) {
        if (overflow) throw new RpcError('RESOURCE_EXHAUSTED', 'Events came faster than they were read');
        const next = buffer.shift();
        if (next !== undefined) yield next;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.#listeners.delete(listener);
      signal.removeEventListener('abort', stop);
    }
  }
}
