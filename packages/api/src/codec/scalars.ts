import { isQuantity, canonicalQuantity, quantityFault } from '../quantity.ts';
import { parseTime } from '../time.ts';
import type { Descriptor, ScalarName } from '../schema/descriptor.ts';

/** A JSON value that does not fit its Go type. `message` is empty until the decoder knows where it stood, unless the type has a text of its own. */
export class GoTypeError extends Error {
  /** What was found, in encoding/json's words: `string`, `number 1.5`, `object`. */
  readonly found: string;
  /** The Go type that was wanted: `int32`, `[]v1.Container`. */
  readonly wanted: string;

  constructor(found: string, wanted: string, message = '') {
    super(message);
    this.found = found;
    this.wanted = wanted;
  }
}

export function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (value === null) return 'null';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** The Go type that error texts name: `v1.PodSpec`, `map[string]string`. */
export function goTypeName(descriptor: Descriptor): string {
  switch (descriptor.type) {
    case 'object':
      return descriptor.name.split('.').slice(-2).join('.');
    case 'list':
      return `[]${goTypeName(descriptor.items)}`;
    case 'map':
      return `map[string]${goTypeName(descriptor.values)}`;
    case 'scalar':
      return goScalarNames[descriptor.scalar];
    case 'any':
      return 'runtime.RawExtension';
  }
}

const goScalarNames: Readonly<Record<ScalarName, string>> = {
  string: 'string',
  bool: 'bool',
  int32: 'int32',
  int64: 'int64',
  float64: 'float64',
  bytes: '[]uint8',
  quantity: 'resource.Quantity',
  intOrString: 'intstr.IntOrString',
  time: 'v1.Time',
  microTime: 'v1.MicroTime',
};

function mismatch(scalar: ScalarName, value: unknown): GoTypeError {
  const found = typeof value === 'number' && (scalar === 'int32' || scalar === 'int64') ? `number ${value}` : jsonKind(value);
  return new GoTypeError(found, goScalarNames[scalar]);
}

/** The canonical form of a scalar. @throws GoTypeError */
export function decodeScalar(scalar: ScalarName, value: unknown): unknown {
  switch (scalar) {
    case 'string':
      if (typeof value === 'string') return value;
      break;
    case 'bool':
      if (typeof value === 'boolean') return value;
      break;
    case 'int32':
      if (typeof value === 'number' && (value | 0) === value) return value;
      break;
    case 'int64':
      if (Number.isInteger(value) && Math.abs(value as number) < 2 ** 63) return value;
      break;
    case 'float64':
      if (typeof value === 'number') return value;
      break;
    case 'intOrString':
      if (typeof value === 'string' || (typeof value === 'number' && (value | 0) === value)) return value;
      break;
    case 'quantity':
      if (typeof value !== 'string' && typeof value !== 'number') break;
      if (!isQuantity(value)) throw new GoTypeError(jsonKind(value), 'resource.Quantity', value === '' ? '' : quantityFault);
      return canonicalQuantity(value);
    case 'bytes':
      if (typeof value === 'string') return decodeBase64Text(value);
      break;
    case 'time':
    case 'microTime':
      if (typeof value === 'string') return canonicalTime(value, scalar === 'microTime');
      break;
  }
  throw mismatch(scalar, value);
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function decodeBase64Text(value: string): string {
  // Go's decoder skips line breaks, and what it writes back has none.
  const text = /[\r\n]/.test(value) ? value.replace(/[\r\n]/g, '') : value;
  if (base64.test(text)) {
    // Left-over bits of the last character are ignored, and written back as zero.
    return !text.endsWith('=') || /(?:[AQgw]==|[AEIMQUYcgkosw048]=)$/.test(text) ? text : btoa(atob(text));
  }
  const bad = text.search(/[^A-Za-z0-9+/]/);
  throw new GoTypeError('string', '[]uint8', `illegal base64 data at input byte ${bad < 0 ? text.length - (text.length % 4) : bad}`);
}

/** RFC 3339 in UTC with seconds, or with six digits of a second. @throws GoTypeError */
export function canonicalTime(text: string, micro: boolean): string {
  if (!micro && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return text;
  const at = parseTime(text);
  if (at === undefined) {
    throw new GoTypeError(
      'string',
      'v1.Time',
      `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(text)} as "2006"`,
    );
  }
  const iso = new Date(at).toISOString();
  const seconds = iso.slice(0, 19);
  if (!micro) return `${seconds}Z`;
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  return `${seconds}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}
