import { StoreError } from './store-error.ts';
import type { Revision } from './store.ts';

/** The longest key, in bytes of UTF-8. */
export const maxKeyBytes = 1024;

/** The most that a key and its value may take together: the request limit of etcd, less what a conditional write wraps around them. */
export const maxWriteBytes = 1_572_864 - 8192;

/** The revision of a store that has never been written to. */
export const firstRevision = 1 as Revision;

/** The bytes of `key`. Throws `invalid` for a key that no backend takes. */
export function encodeKey(key: string): Buffer {
  const bytes = Buffer.from(key, 'utf8');
  if (bytes.length === 0 || bytes.length > maxKeyBytes)
    throw new StoreError('invalid', `A key is 1 to ${String(maxKeyBytes)} bytes long, not ${String(bytes.length)}`, { key });
  if (bytes.includes(0)) throw new StoreError('invalid', 'A key must not contain NUL', { key });
  return bytes;
}

/** Throws `too-large` for a write that no backend takes. */
export function checkWriteSize(key: string, keyBytes: number, valueBytes: number): void {
  const total = keyBytes + valueBytes;
  if (total > maxWriteBytes)
    throw new StoreError('too-large', `The value takes ${String(total)} bytes with its key; ${String(maxWriteBytes)} are allowed`, { key });
}

/** Throws unless a store at `current`, compacted up to `compacted`, can be read at `revision`. */
export function checkReadable(revision: Revision, current: Revision, compacted: Revision): void {
  if (!Number.isSafeInteger(revision) || revision < 0) throw new StoreError('invalid', `${String(revision)} is not a revision`);
  if (revision > current)
    throw new StoreError('invalid', `Revision ${String(revision)} does not exist yet; the store is at ${String(current)}`);
  if (revision < compacted) throw compactedError(revision, compacted);
}

export function compactedError(revision: Revision, compacted: Revision): StoreError {
  return new StoreError('compacted', `Revision ${String(revision)} has been compacted; history starts at ${String(compacted)}`);
}

/** The first key, bytewise, after every key that starts with `prefix`; undefined when there is none. */
export function prefixEnd(prefix: Buffer): Buffer | undefined {
  for (let last = prefix.length - 1; last >= 0; last -= 1) {
    const byte = prefix[last] ?? 0;
    if (byte < 0xff) {
      const end = Buffer.from(prefix.subarray(0, last + 1));
      end[last] = byte + 1;
      return end;
    }
  }
  return undefined;
}
