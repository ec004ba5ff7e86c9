import { crc32 } from 'node:zlib';
import { StoreError } from '../store-error.ts';
import type { Revision } from '../store.ts';

/**
 * One write in the log, found by its revision:
 *
 *     0   u32  CRC-32 of everything that follows
 *     4   u8   kind of write
 *     5   f64  revision of the key's write before this one; 0 when there is none
 *     13  u16  length of the key
 *     15  the key, then the value (none for a delete)
 */
export interface LogRecord {
  readonly kind: 'create' | 'update' | 'delete';
  readonly previous: Revision;
  readonly key: string;
  /** Empty for a delete. */
  readonly value: Buffer;
}

const kinds = ['create', 'update', 'delete'] as const;
const headerBytes = 15;

export function encodeRecord(kind: LogRecord['kind'], previous: number, key: Buffer, value: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes + key.length + value.length);
  bytes.writeUInt8(kinds.indexOf(kind), 4);
  bytes.writeDoubleBE(previous, 5);
  bytes.writeUInt16BE(key.length, 13);
  key.copy(bytes, headerBytes);
  value.copy(bytes, headerBytes + key.length);
  bytes.writeUInt32BE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

/** The value inside an encoded record, sharing its memory. */
export function valueOf(record: Buffer): Buffer {
  return record.subarray(headerBytes + record.readUInt16BE(13));
}

/** Throws `corrupt` when the bytes are not what was written. The value shares memory with `bytes`. */
export function decodeRecord(bytes: Uint8Array, revision: number): LogRecord {
  const record = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = record.length < headerBytes ? undefined : kinds[record.readUInt8(4)];
  if (kind === undefined || record.readUInt32BE(0) !== crc32(record.subarray(4))) {
    throw new StoreError('corrupt', `The record of revision ${String(revision)} is damaged`);
  }
  const keyEnd = headerBytes + record.readUInt16BE(13);
  return {
    kind,
    previous: record.readDoubleBE(5) as Revision,
    key: record.toString('utf8', headerBytes, keyEnd),
    value: record.subarray(keyEnd),
  };
}

/** Where the newest write of a key is: 8 bytes of revision, one that says whether it was a delete. */
export interface IndexEntry {
  readonly revision: Revision;
  readonly deleted: boolean;
}

export function encodeIndexEntry(entry: IndexEntry): Buffer {
  const bytes = Buffer.allocUnsafe(9);
  bytes.writeDoubleBE(entry.revision, 0);
  bytes.writeUInt8(entry.deleted ? 1 : 0, 8);
  return bytes;
}

export function decodeIndexEntry(bytes: Uint8Array): IndexEntry {
  if (bytes.byteLength !== 9) throw new StoreError('corrupt', 'An entry of the key index is damaged');
  const view = new DataView(bytes.buffer, bytes.byteOffset, 9);
  return { revision: view.getFloat64(0) as Revision, deleted: view.getUint8(8) === 1 };
}

/** Log keys: positive doubles sort bytewise as they sort by value. */
export function encodeRevision(revision: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleBE(revision, 0);
  return bytes;
}

export function decodeRevision(bytes: Uint8Array): Revision {
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0) as Revision;
}
