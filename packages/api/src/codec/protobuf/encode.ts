import type { AnyName, Descriptor, FieldDescriptor, ObjectDescriptor, ScalarName } from '../../schema/descriptor.ts';
import { schemaOfType } from '../../schema/builtin.ts';
import { decodeBase64 } from './base64.ts';
import { layoutOf } from './layout.ts';
import type { MessageLayout } from './layout.ts';
import type { ReverseWriter } from './writer.ts';

type JsonObject = Record<string, unknown>;

const encoder = new TextEncoder();
const schemaProps = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

/** Writes the message of `object`, without length or tag. `object` must have the shape that `decodeObject` gives. */
export function writeMessage(writer: ReverseWriter, descriptor: ObjectDescriptor, object: JsonObject): void {
  writeLayout(writer, layoutOf(descriptor), object);
}

function writeLayout(writer: ReverseWriter, layout: MessageLayout, object: JsonObject): void {
  for (const entry of layout.entries) {
    if ('field' in entry) {
      const value = object[entry.field.name];
      writeField(writer, entry.field, value === null ? undefined : value);
    } else {
      const mark = writer.length;
      writeLayout(writer, entry.inner, object);
      writer.lengthSince(mark, entry.number);
    }
  }
}

/** gogo writes what is no pointer even when it is zero, but for lists, maps and bytes. */
function writeField(writer: ReverseWriter, field: FieldDescriptor, value: unknown): void {
  const descriptor = field.value;
  if (value === undefined) {
    if (!field.pointer) writeZero(writer, field.number, descriptor);
    return;
  }
  if (descriptor.type === 'list' && field.wrapped === true) {
    const mark = writer.length;
    writeValue(writer, 1, descriptor, value);
    writer.lengthSince(mark, field.number);
  } else if (descriptor.type === 'map') writeMap(writer, field.number, descriptor.values, value as JsonObject);
  else writeValue(writer, field.number, descriptor, value);
}

function writeZero(writer: ReverseWriter, number: number, descriptor: Descriptor): void {
  if (descriptor.type === 'object') writeValue(writer, number, descriptor, {});
  else if (descriptor.type === 'any') {
    if (descriptor.form === 'raw' || descriptor.form === 'json') writer.lengthSince(writer.length, number);
  } else if (descriptor.type === 'scalar') {
    if (descriptor.scalar === 'time' || descriptor.scalar === 'microTime') writer.lengthSince(writer.length, number);
    else if (descriptor.scalar !== 'bytes') writeScalar(writer, number, descriptor.scalar, zeros[descriptor.scalar]);
  }
}

const zeros: Readonly<Record<Exclude<ScalarName, 'time' | 'microTime' | 'bytes'>, unknown>> = {
  string: '',
  bool: false,
  int32: 0,
  int64: 0,
  float64: 0,
  quantity: '0',
  intOrString: 0,
};

function writeMap(writer: ReverseWriter, number: number, values: Descriptor, map: JsonObject): void {
  // Sorted by bytes, which for UTF-16 differs from sort() only beyond the BMP, where no key of the API lies.
  const keys = Object.keys(map).sort();
  for (const key of keys.reverse()) {
    const entry = writer.length;
    const value = map[key];
    if (values.type === 'list') {
      const mark = writer.length;
      if (value !== null) writeValue(writer, 1, values, value);
      writer.lengthSince(mark, 2);
    } else if (value === null) writeZero(writer, 2, values);
    else writeValue(writer, 2, values, value);
    writer.string(1, key);
    writer.lengthSince(entry, number);
  }
}

function writeValue(writer: ReverseWriter, number: number, descriptor: Descriptor, value: unknown): void {
  switch (descriptor.type) {
    case 'object': {
      const mark = writer.length;
      writeMessage(writer, descriptor, value as JsonObject);
      writer.lengthSince(mark, number);
      return;
    }
    case 'list': {
      const items = value as unknown[];
      for (let index = items.length - 1; index >= 0; index--) {
        const item = items[index];
        if (item === null) writeZero(writer, number, descriptor.items);
        else writeValue(writer, number, descriptor.items, item);
      }
      return;
    }
    case 'map':
      writeMap(writer, number, descriptor.values, value as JsonObject);
      return;
    case 'scalar':
      writeScalar(writer, number, descriptor.scalar, value);
      return;
    case 'any':
      writeAny(writer, number, descriptor.form, value);
  }
}

function writeScalar(writer: ReverseWriter, number: number, scalar: ScalarName, value: unknown): void {
  const mark = writer.length;
  switch (scalar) {
    case 'string':
      writer.string(number, value as string);
      return;
    case 'bool':
      writer.int(number, value === true ? 1 : 0);
      return;
    case 'int32':
    case 'int64':
      writer.int(number, value as number);
      return;
    case 'float64':
      writer.double(value as number);
      writer.tag(number, 1);
      return;
    case 'bytes':
      writer.bytes(number, decodeBase64(value as string));
      return;
    case 'quantity':
      writer.string(1, value as string);
      break;
    case 'intOrString':
      writer.string(3, typeof value === 'string' ? value : '');
      writer.int(2, typeof value === 'number' ? value : 0);
      writer.int(1, typeof value === 'string' ? 1 : 0);
      break;
    case 'time':
    case 'microTime':
      writeTimestamp(writer, value as string, scalar === 'microTime');
      break;
  }
  writer.lengthSince(mark, number);
}

/** Seconds, and for a microTime nanoseconds of whole microseconds. */
function writeTimestamp(writer: ReverseWriter, text: string, micro: boolean): void {
  const seconds = Math.floor(Date.parse(text) / 1000);
  const fraction = micro ? (/\.(\d{1,6})/.exec(text)?.[1] ?? '0') : '0';
  writer.int(2, Number(fraction.padEnd(6, '0')) * 1000);
  writer.int(1, seconds);
}

function writeAny(writer: ReverseWriter, number: number, form: AnyName, value: unknown): void {
  const mark = writer.length;
  const props = form.startsWith('jsonOr') ? schemaOfType(schemaProps) : undefined;
  if (!props) writer.bytes(1, encoder.encode(JSON.stringify(value)));
  else if (Array.isArray(value)) {
    for (const item of [...(value as unknown[])].reverse()) {
      if (typeof item === 'string') writer.string(2, item);
      else writeValue(writer, 2, props, item);
    }
  } else if (form === 'jsonOrBool') {
    if (typeof value === 'object') writeValue(writer, 2, props, value);
    writer.int(1, value === false ? 0 : 1);
  } else writeValue(writer, 1, props, value);
  writer.lengthSince(mark, number);
}
