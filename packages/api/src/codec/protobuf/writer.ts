const encoder = new TextEncoder();

/**
 * Writes protobuf from its end to its beginning: when a message is finished its length is known, so no
 * message is measured or copied first. Callers therefore write fields in descending order of their numbers,
 * and of each field the value first.
 */
export class ReverseWriter {
  #bytes: Uint8Array;
  #start: number;

  constructor(size = 4096) {
    this.#bytes = new Uint8Array(size);
    this.#start = size;
  }

  /** Bytes written so far: remember it before the content of a message, and give it to `lengthSince`. */
  get length(): number {
    return this.#bytes.length - this.#start;
  }

  /** What was written. A view: valid until the next write. */
  finish(): Uint8Array {
    return this.#bytes.subarray(this.#start);
  }

  #reserve(count: number): number {
    if (this.#start < count) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + count));
      const start = grown.length - this.length;
      grown.set(this.finish(), start);
      this.#bytes = grown;
      this.#start = start;
    }
    this.#start -= count;
    return this.#start;
  }

  raw(bytes: Uint8Array): void {
    // First of all: reserving may replace the buffer.
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** A whole number below 2^53; negative ones as 64-bit two's complement, ten bytes. */
  varint(value: number): void {
    if (value < 0) {
      this.#bigVarint(BigInt.asUintN(64, BigInt(value)));
      return;
    }
    let size = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
    let at = this.#reserve(size);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[at] = rest;
  }

  #bigVarint(value: bigint): void {
    const parts: number[] = [];
    let rest = value;
    while (rest >= 128n) {
      parts.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    parts.push(Number(rest));
    this.raw(Uint8Array.from(parts));
  }

  double(value: number): void {
    const at = this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(at, value, true);
  }

  tag(number: number, wire: 0 | 1 | 2): void {
    this.varint(number * 8 + wire);
  }

  /** Length and tag of a message or bytes whose content has just been written. */
  lengthSince(mark: number, number: number): void {
    this.varint(this.length - mark);
    this.tag(number, 2);
  }

  string(number: number, text: string): void {
    const mark = this.length;
    this.#text(text);
    this.lengthSince(mark, number);
  }

  #text(text: string): void {
    const at = this.#reserve(text.length);
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127) {
        // Not ASCII after all: give the room back and take the slow way.
        this.#start = at + text.length;
        this.raw(encoder.encode(text));
        return;
      }
      this.#bytes[at + index] = code;
    }
  }

  bytes(number: number, value: Uint8Array): void {
    this.raw(value);
    this.varint(value.length);
    this.tag(number, 2);
  }

  int(number: number, value: number): void {
    this.varint(value);
    this.tag(number, 0);
  }
}
