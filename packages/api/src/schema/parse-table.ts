import type {
  AnyName,
  Descriptor,
  FieldDescriptor,
  GroupVersionKind,
  ListDescriptor,
  MapDescriptor,
  ObjectDescriptor,
  PatchStrategy,
  ScalarDescriptor,
  ScalarName,
} from './descriptor.ts';

/** How the parser finds other types and closed value sets while it reads one type. */
export interface TableLookup {
  typeNamed(short: string): ObjectDescriptor;
  enumNamed(short: string): readonly string[];
}

/** `core.v1.Pod v1 kind atomic`: short name, group/version (`-` without one), flags. */
export function parseHeader(line: string): { short: string; kind: GroupVersionKind | undefined; atomic: boolean } {
  const [short = '', groupVersion = '', ...flags] = line.split(' ');
  const slash = groupVersion.indexOf('/');
  const kind = flags.includes('kind')
    ? {
        group: slash < 0 ? '' : groupVersion.slice(0, slash),
        version: groupVersion.slice(slash + 1),
        kind: short.slice(short.lastIndexOf('.') + 1),
      }
    : undefined;
  return { short, kind, atomic: flags.includes('atomic') };
}

const plainScalars = new Map<string, ScalarDescriptor>();
for (const scalar of ['string', 'bool', 'int32', 'int64', 'float64', 'bytes', 'quantity', 'intOrString', 'time', 'microTime'] as const) {
  plainScalars.set(scalar, { type: 'scalar', scalar, values: [] });
}

/** A field of a built-in type. Its descriptor is made when first asked for. */
class TableField implements FieldDescriptor {
  readonly name: string;
  readonly number: number;
  readonly pointer: boolean;
  readonly required: boolean;
  readonly omit: 'never' | 'empty' | 'zero';
  readonly patchStrategies: readonly PatchStrategy[] = [];
  readonly patchMergeKey: string | undefined;
  readonly default: unknown;
  readonly wrapped: boolean;
  readonly inlinedIn: readonly number[] = [];
  readonly #lookup: TableLookup;
  readonly #reference: string;
  readonly #attributes: ReadonlyMap<string, string>;
  #value: Descriptor | undefined;

  constructor(line: string, lookup: TableLookup) {
    const [name = '', number = '', reference = '', ...rest] = line.trim().split(' ');
    const attributes = new Map<string, string>();
    let flags = '';
    for (const part of rest) {
      const equals = part.indexOf('=');
      if (equals < 0) flags = part;
      else attributes.set(part.slice(0, equals), part.slice(equals + 1));
    }
    this.name = name;
    this.number = number === '-' ? 0 : Number(number);
    this.pointer = reference.startsWith('*');
    this.required = !flags.includes('?');
    this.omit = flags.includes('z') ? 'zero' : flags.includes('e') ? 'empty' : 'never';
    const [strategies = '', mergeKey] = attributes.get('patch')?.split(':') ?? [];
    if (strategies !== '') this.patchStrategies = strategies.split(',') as PatchStrategy[];
    this.patchMergeKey = mergeKey;
    const text = attributes.get('default');
    this.default = text === undefined ? undefined : JSON.parse(text);
    this.wrapped = attributes.get('pb') === 'wrapped';
    this.#lookup = lookup;
    this.#reference = this.pointer ? reference.slice(1) : reference;
    this.#attributes = attributes;
  }

  get value(): Descriptor {
    this.#value ??= this.#describe(this.#reference);
    return this.#value;
  }

  #describe(reference: string): Descriptor {
    if (reference.startsWith('[]')) {
      const [listType = 'atomic', keys = ''] = this.#attributes.get('list')?.split(':') ?? [];
      return {
        type: 'list',
        items: this.#describe(reference.slice(2)),
        listType: listType as ListDescriptor['listType'],
        keys: keys === '' ? [] : keys.split(','),
      };
    }
    if (reference.startsWith('{}')) {
      const mapType = (this.#attributes.get('map') ?? 'granular') as MapDescriptor['mapType'];
      return { type: 'map', values: this.#describe(reference.slice(2)), mapType };
    }
    const scalar = plainScalars.get(reference);
    const closed = this.#attributes.get('enum');
    if (scalar)
      return closed === undefined ? scalar : { type: 'scalar', scalar: reference as ScalarName, values: this.#lookup.enumNamed(closed) };
    if (!reference.includes('.')) return { type: 'any', form: reference as AnyName };
    return this.#lookup.typeNamed(reference);
  }
}

const typeMetaLines = ['kind 1 string ?e', 'apiVersion 2 string ?e'];

/** A field of an inlined struct, as seen from the struct around it. */
function inlined(field: FieldDescriptor, number: number): FieldDescriptor {
  const inlinedIn = [number, ...field.inlinedIn];
  return Object.create(field, { inlinedIn: { value: inlinedIn, enumerable: true }, value: { get: () => field.value } }) as FieldDescriptor;
}

/** The fields of one type by JSON name. A top-level kind gets `kind` and `apiVersion` first, with protobuf number 0: they travel in the envelope. */
export function parseFields(lines: readonly string[], topLevel: boolean, lookup: TableLookup): Map<string, FieldDescriptor> {
  const fields = new Map<string, FieldDescriptor>();
  if (topLevel)
    for (const line of typeMetaLines) fields.set(line.slice(0, line.indexOf(' ')), new TableField(line.replace(/ \d /, ' - '), lookup));
  for (const line of lines) {
    const text = line.trim();
    if (text.startsWith('~ ')) {
      const [, number = '', short = ''] = text.split(' ');
      for (const field of lookup.typeNamed(short).fields.values()) fields.set(field.name, inlined(field, Number(number)));
    } else fields.set(text.slice(0, text.indexOf(' ')), new TableField(text, lookup));
  }
  return fields;
}
