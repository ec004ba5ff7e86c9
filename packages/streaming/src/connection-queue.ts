import type { ForwardedConnection } from './session.ts';

/** Connections that a client opened, for one consumer. */
export class ConnectionQueue implements AsyncIterable<ForwardedConnection> {
  readonly #waiting: ForwardedConnection[] = [];
  #wake: () => void = () => undefined;
  #ended = false;

  push(connection: ForwardedConnection): void {
    this.#waiting.push(connection);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ForwardedConnection> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
