import type { KubeObject } from '@bayplan/api';
import { without } from './without.ts';

/** The apiVersion and kind that every object of a resource carries. */
export interface TypeName {
  readonly apiVersion: string;
  readonly kind: string;
}

/**
 * Encodes for the store: JSON that starts with apiVersion, kind and metadata, in this order and
 * without `metadata.resourceVersion`, so that the revision can be spliced in at a place that only
 * depends on the type. `object` is not changed.
 */
export function encodeForStore(type: TypeName, object: KubeObject): string {
  const metadata = without(object.metadata, 'resourceVersion', 'selfLink');
  return JSON.stringify({ apiVersion: type.apiVersion, kind: type.kind, metadata, ...without(object, 'apiVersion', 'kind', 'metadata') });
}

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

const lineHeads = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
} as const;
const lineTail = Buffer.from('}\n');

/**
 * One object at one revision, as bytes. The buffer is a whole line of a JSON watch; the object's JSON
 * is a slice of it, so that get, list and watch write the same memory. Immutable; shared by everyone.
 */
export class StoredObject {
  readonly type: TypeName;
  readonly key: string;
  readonly revision: number;
  private readonly lineType: EventType;
  private readonly buffer: Buffer;
  private parsed: WeakRef<KubeObject> | undefined;
  /** Other media types, made on first use. */
  private encodings: Map<string, Buffer> | undefined;

  private constructor(type: TypeName, key: string, revision: number, lineType: EventType, buffer: Buffer) {
    this.type = type;
    this.key = key;
    this.revision = revision;
    this.lineType = lineType;
    this.buffer = buffer;
  }

  /** `value` is what `encodeForStore` made; it is copied. `event` says which watch line to prepare. */
  static fromStore(type: TypeName, key: string, revision: number, value: Buffer, event: EventType = 'ADDED'): StoredObject {
    const head = lineHeads[event];
    const splice = spliceOffset(type);
    // A dry run's new object has no revision.
    const version = Buffer.from(revision === 0 ? '' : `"resourceVersion":"${revision.toString()}",`);
    const line = Buffer.allocUnsafeSlow(head.length + value.length + version.length + lineTail.length);
    let at = head.copy(line, 0);
    at += value.copy(line, at, 0, splice);
    at += version.copy(line, at);
    at += value.copy(line, at, splice);
    lineTail.copy(line, at);
    return new StoredObject(type, key, revision, event, line);
  }

  /** As `fromStore`, of an object that is at hand: it becomes the shared one, and gets its resourceVersion here. */
  static fromWrite(type: TypeName, key: string, revision: number, value: Buffer, event: EventType, object: KubeObject): StoredObject {
    const stored = StoredObject.fromStore(type, key, revision, value, event);
    object.apiVersion = type.apiVersion;
    object.kind = type.kind;
    object.metadata.resourceVersion = revision.toString();
    stored.parsed = new WeakRef(object);
    return stored;
  }

  /** The object's JSON. */
  get bytes(): Buffer {
    return this.buffer.subarray(lineHeads[this.lineType].length, this.buffer.length - lineTail.length);
  }

  /** The JSON without its first brace, apiVersion and kind: what an item of a list adds to `{`. */
  get itemBytes(): Buffer {
    return this.buffer.subarray(this.itemStart(), this.buffer.length - lineTail.length);
  }

  /** The length of `itemBytes`. */
  get itemLength(): number {
    return this.buffer.length - lineTail.length - this.itemStart();
  }

  /** Copies `itemBytes` into `target` at `at`; the place after it. */
  copyItem(target: Buffer, at: number): number {
    return at + this.buffer.copy(target, at, this.itemStart(), this.buffer.length - lineTail.length);
  }

  /** The watch line `{"type":TYPE,"object":…}`, newline included. */
  line(type: EventType): Buffer {
    return type === this.lineType ? this.buffer : Buffer.concat([lineHeads[type], this.bytes, lineTail]);
  }

  private itemStart(): number {
    return lineHeads[this.lineType].length + spliceOffset(this.type) - metadataHead.length;
  }

  /** Parsed on first use and shared: never change it. Kept only as long as somebody else holds it. */
  get object(): KubeObject {
    const kept = this.parsed?.deref();
    if (kept !== undefined) return kept;
    const object = JSON.parse(this.bytes.toString('utf8')) as KubeObject;
    this.parsed = new WeakRef(object);
    return object;
  }

  /** The same object with another resourceVersion, as a `DELETED` event shows it. */
  deletedAt(revision: number): StoredObject {
    return StoredObject.fromStore(this.type, this.key, revision, Buffer.from(encodeForStore(this.type, this.object)), 'DELETED');
  }

  /** The object in another media type, encoded once. */
  encoded(mediaType: string, encode: (object: KubeObject) => Buffer): Buffer {
    const kept = this.encodings?.get(mediaType);
    if (kept !== undefined) return kept;
    const made = encode(this.object);
    this.encodings ??= new Map();
    this.encodings.set(mediaType, made);
    return made;
  }
}

const metadataHead = '"metadata":{';
const offsets = new WeakMap<TypeName, number>();

/** Bytes of `{"apiVersion":"V","kind":"K","metadata":{`: names of types are ASCII. */
function spliceOffset(type: TypeName): number {
  let offset = offsets.get(type);
  if (offset === undefined) {
    offset = `{"apiVersion":${JSON.stringify(type.apiVersion)},"kind":${JSON.stringify(type.kind)},${metadataHead}`.length;
    offsets.set(type, offset);
  }
  return offset;
}
