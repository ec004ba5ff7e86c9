import { encodeKey, prefixEnd } from '../limits.ts';

/**
 * Where things are inside etcd: what callers store under `<prefix>/data`, what the store keeps for
 * itself under `<prefix>/store/`. A watch of `<prefix>/` sees both.
 */
export class KeySpace {
  readonly root: Buffer;
  readonly progress: Buffer;
  readonly compaction: Buffer;
  readonly #data: Buffer;

  constructor(prefix: string) {
    const trimmed = prefix.replace(/\/+$/, '');
    this.root = Buffer.from(`${trimmed}/`);
    this.progress = Buffer.from(`${trimmed}/store/progress`);
    this.compaction = Buffer.from(`${trimmed}/store/compaction`);
    this.#data = Buffer.from(`${trimmed}/data`);
  }

  /** Throws `invalid` for a key that no backend takes. */
  encode(key: string): Buffer {
    return Buffer.concat([this.#data, encodeKey(key)]);
  }

  /** The caller's key; undefined for one of the store's own. */
  decode(key: Buffer): string | undefined {
    return key.subarray(0, this.#data.length).equals(this.#data) ? key.toString('utf8', this.#data.length) : undefined;
  }

  /** The range of keys that start with `prefix`, after `after` if given. */
  range(prefix: string, after: string | undefined): { readonly key: Buffer; readonly range_end: Buffer } {
    const start = Buffer.concat([this.#data, Buffer.from(prefix)]);
    const next = after === undefined ? start : Buffer.concat([this.#data, Buffer.from(after), Buffer.from([0])]);
    return { key: Buffer.compare(next, start) > 0 ? next : start, range_end: endOf(start) };
  }

  /** The range of everything under the prefix. */
  everything(): { readonly key: Buffer; readonly range_end: Buffer } {
    return { key: this.root, range_end: endOf(this.root) };
  }
}

/** etcd takes a single NUL for "no end". */
function endOf(prefix: Buffer): Buffer {
  return prefixEnd(prefix) ?? Buffer.from([0]);
}
