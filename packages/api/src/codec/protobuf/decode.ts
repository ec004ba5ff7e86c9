import type { AnyName, Descriptor, ObjectDescriptor, ScalarName } from '../../schema/descriptor.ts';
import { schemaOfType } from '../../schema/builtin.ts';
import { encodeBase64 } from './base64.ts';
import { layoutOf } from './layout.ts';
import type { MessageLayout } from './layout.ts';
import { malformed, MessageReader } from './reader.ts';

type JsonObject = Record<string, unknown>;

const decoder = new TextDecoder();
const schemaProps = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

/** What to do with bytes inside a RawExtension that are protobuf themselves. */
export type EmbeddedDecoder = (bytes: Uint8Array) => unknown;

/** Reads a message as loose JSON: what was on the wire, zeros included. `decodeObject` gives it its final form. */
export class MessageDecoder {
  readonly #embedded: EmbeddedDecoder;

  constructor(embedded: EmbeddedDecoder) {
    this.#embedded = embedded;
  }

  message(descriptor: ObjectDescriptor, bytes: Uint8Array): JsonObject {
    const object: JsonObject = {};
    this.#into(object, layoutOf(descriptor), bytes);
    return object;
  }

  #into(object: JsonObject, layout: MessageLayout, bytes: Uint8Array): void {
    const reader = new MessageReader(bytes);
    while (reader.next()) {
      const entry = layout.byNumber.get(reader.number);
      if (!entry) reader.skip();
      else if ('inner' in entry) this.#into(object, entry.inner, reader.bytes());
      else {
        const { name, value, wrapped } = entry.field;
        if (value.type === 'list' && wrapped === true) object[name] = this.#wrapped(value.items, reader.bytes());
        else if (value.type === 'list') ((object[name] ??= []) as unknown[]).push(this.#value(value.items, reader));
        else if (value.type === 'map') this.#mapEntry((object[name] ??= {}) as JsonObject, value.values, reader.bytes());
        else object[name] = this.#value(value, reader);
      }
    }
  }

  #wrapped(items: Descriptor, bytes: Uint8Array): unknown[] {
    const list: unknown[] = [];
    const reader = new MessageReader(bytes);
    while (reader.next()) {
      if (reader.number === 1) list.push(this.#value(items, reader));
      else reader.skip();
    }
    return list;
  }

  #mapEntry(map: JsonObject, values: Descriptor, bytes: Uint8Array): void {
    const reader = new MessageReader(bytes);
    let key = '';
    let value: unknown = null;
    while (reader.next()) {
      if (reader.number === 1) key = reader.string();
      else if (reader.number === 2)
        value = values.type === 'list' ? this.#wrapped(values.items, reader.bytes()) : this.#value(values, reader);
      else reader.skip();
    }
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  }

  #value(descriptor: Descriptor, reader: MessageReader): unknown {
    switch (descriptor.type) {
      case 'object':
        return this.message(descriptor, reader.bytes());
      case 'scalar':
        return this.#scalar(descriptor.scalar, reader);
      case 'any':
        return this.#any(descriptor.form, reader.bytes());
      default:
        throw malformed('a list inside a list');
    }
  }

  #scalar(scalar: ScalarName, reader: MessageReader): unknown {
    switch (scalar) {
      case 'string':
        return reader.string();
      case 'bool':
        return reader.int() !== 0;
      case 'int32':
      case 'int64':
        return reader.int();
      case 'float64':
        return reader.double();
      case 'bytes':
        return encodeBase64(reader.bytes());
      case 'quantity':
        return numbered(reader.bytes()).get(1) ?? '0';
      case 'intOrString': {
        const parts = numbered(reader.bytes());
        return parts.get(1) === 1 ? (parts.get(3) ?? '') : (parts.get(2) ?? 0);
      }
      case 'time':
      case 'microTime':
        return timestamp(reader.bytes(), scalar === 'microTime');
    }
  }

  #any(form: AnyName, bytes: Uint8Array): unknown {
    const props = form.startsWith('jsonOr') ? schemaOfType(schemaProps) : undefined;
    const reader = new MessageReader(bytes);
    let result: unknown = form === 'jsonOrBool' ? false : null;
    while (reader.next()) {
      if (!props) {
        if (reader.number === 1) result = this.#raw(reader.bytes());
        else reader.skip();
      } else if (form === 'jsonOrBool' && reader.number === 1) result = reader.int() !== 0;
      else if (reader.number === 1 || form === 'jsonOrBool') result = this.message(props, reader.bytes());
      else {
        const item = form === 'jsonOrStringArray' ? reader.string() : this.message(props, reader.bytes());
        result = [...(Array.isArray(result) ? (result as unknown[]) : []), item];
      }
    }
    return result;
  }

  #raw(bytes: Uint8Array): unknown {
    if (bytes.length === 0) return null;
    if (bytes[0] === 0x6b && bytes[1] === 0x38 && bytes[2] === 0x73 && bytes[3] === 0) return this.#embedded(bytes);
    try {
      return JSON.parse(decoder.decode(bytes)) as unknown;
    } catch (error) {
      throw malformed(`embedded JSON: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** The fields of a small message of numbers and strings. */
function numbered(bytes: Uint8Array): Map<number, string | number> {
  const parts = new Map<number, string | number>();
  const reader = new MessageReader(bytes);
  while (reader.next()) parts.set(reader.number, reader.wire === 2 ? reader.string() : reader.int());
  return parts;
}

/** An empty message is the zero time: null. */
function timestamp(bytes: Uint8Array, micro: boolean): string | null {
  const parts = numbered(bytes);
  if (parts.size === 0) return null;
  const seconds = Number(parts.get(1) ?? 0);
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) throw malformed(`a time of ${seconds} seconds`);
  const text = at.toISOString().slice(0, 19);
  if (!micro) return `${text}Z`;
  const micros = Math.floor(Number(parts.get(2) ?? 0) / 1000);
  return `${text}.${String(micros).padStart(6, '0')}Z`;
}
