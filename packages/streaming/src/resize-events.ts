import type { TerminalSize } from './session.ts';

/** The kernel keeps each side of a terminal in 16 bits. */
const maxSide = 65_535;
/** Far more than a message has: what is longer without an end is none. */
const maxMessageLength = 4096;

/** Passes terminal sizes on; a listener that comes late gets the last one. */
export class ResizeEvents {
  #last: TerminalSize | undefined;
  readonly #listeners: ((size: TerminalSize) => void)[] = [];
  #partial = '';

  listen(listener: (size: TerminalSize) => void): void {
    this.#listeners.push(listener);
    if (this.#last) listener(this.#last);
  }

  /** Takes a whole JSON message `{"Width":80,"Height":24}`; anything else is ignored. */
  message(text: string): void {
    const size = parseSize(text);
    if (size === undefined) return;
    this.#last = size;
    for (const listener of this.#listeners) listener(size);
  }

  /** Takes bytes of a stream of such messages, split anywhere. */
  bytes(chunk: Buffer): void {
    this.#partial += chunk.toString();
    // The messages are flat objects, so each ends at a closing brace.
    for (let at = this.#partial.indexOf('}'); at >= 0; at = this.#partial.indexOf('}')) {
      this.message(this.#partial.slice(0, at + 1));
      this.#partial = this.#partial.slice(at + 1);
    }
    if (this.#partial.length > maxMessageLength) this.#partial = '';
  }
}

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= maxSide;
}

function parseSize(text: string): TerminalSize | undefined {
  try {
    const { Width, Height } = JSON.parse(text) as { Width?: unknown; Height?: unknown };
    return isSide(Width) && isSide(Height) ? { width: Width, height: Height } : undefined;
  } catch {
    return undefined;
  }
}
