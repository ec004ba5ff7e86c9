/** Types of control frames, SPDY draft 3.1 section 2.6. */
export const frameTypes = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

export const flagFin = 1;

export type Frame =
  | { readonly kind: 'data'; readonly streamId: number; readonly fin: boolean; readonly payload: Buffer }
  | { readonly kind: 'control'; readonly type: number; readonly flags: number; readonly payload: Buffer };

/** No client of Kubernetes sends frames near this; larger ones are taken for garbage. */
const maxFrameBytes = 8 * 1024 * 1024;

/** Cuts a byte stream into frames. */
export class FrameReader {
  #pending: Buffer[] = [];
  #size = 0;

  /** Adds bytes and returns the frames that are whole now. Throws on garbage. */
  add(chunk: Buffer): Frame[] {
    this.#pending.push(chunk);
    this.#size += chunk.length;
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | undefined {
    if (this.#size < 8) return undefined;
    const joined = this.#pending.length === 1 ? (this.#pending[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#pending);
    this.#pending = [joined];
    const length = joined.readUIntBE(5, 3);
    if (length > maxFrameBytes) throw new Error(`A SPDY frame of ${length} bytes is too long`);
    if (this.#size < 8 + length) return undefined;
    const payload = joined.subarray(8, 8 + length);
    this.#pending = [joined.subarray(8 + length)];
    this.#size -= 8 + length;
    const word = joined.readUInt32BE(0);
    const flags = joined[4] ?? 0;
    if (word < 0x80000000) return { kind: 'data', streamId: word, fin: (flags & flagFin) !== 0, payload };
    if (((word >>> 16) & 0x7fff) !== 3) throw new Error('A SPDY frame is not of version 3');
    return { kind: 'control', type: word & 0xffff, flags, payload };
  }
}

export function dataFrame(streamId: number, payload: Uint8Array, fin: boolean): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(streamId, 0);
  head.writeUInt32BE(payload.length, 4);
  head[4] = fin ? flagFin : 0;
  return Buffer.concat([head, payload]);
}

export function controlFrame(type: number, flags: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8003, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(payload.length, 4);
  head[4] = flags;
  return Buffer.concat([head, payload]);
}

/** A payload of 32-bit numbers. */
export function words(...values: readonly number[]): Buffer {
  const payload = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => payload.writeUInt32BE(value, index * 4));
  return payload;
}
