import { typePackages, typeTable } from '../generated/type-table.ts';
import type { Descriptor, FieldDescriptor, ObjectDescriptor } from './descriptor.ts';
import { parseFields, parseHeader } from './parse-table.ts';

/** Where each type's block starts and ends in the table; made on first use. */
let blocks: Map<string, readonly [number, number]> | undefined;
/** Full names of the top-level kinds by `group/version/kind`. */
let kinds: Map<string, string> | undefined;
let enumLines: Map<string, readonly string[]> | undefined;

const parsed = new Map<string, ObjectDescriptor>();

/** `core.v1.Pod` in the table is `io.k8s.api.core.v1.Pod` outside. */
export function fullName(short: string): string {
  const dot = short.lastIndexOf('.');
  const packageName = short.slice(0, dot);
  return `${typePackages[packageName] ?? `io.k8s.api.${packageName}`}.${short.slice(dot + 1)}`;
}

function index(): { blocks: Map<string, readonly [number, number]>; kinds: Map<string, string>; enums: Map<string, readonly string[]> } {
  if (blocks && kinds && enumLines) return { blocks, kinds, enums: enumLines };
  blocks = new Map();
  kinds = new Map();
  enumLines = new Map();
  for (let start = 0; start < typeTable.length;) {
    const found = typeTable.indexOf('\n\n', start);
    const end = found < 0 ? typeTable.length : found;
    const lineEnd = typeTable.indexOf('\n', start);
    const header = typeTable.slice(start, lineEnd < 0 || lineEnd > end ? end : lineEnd);
    if (header.startsWith('enum\t')) {
      const [, name = '', ...values] = header.split('\t');
      enumLines.set(name, values);
    } else {
      const { short, kind } = parseHeader(header);
      blocks.set(fullName(short), [start, end]);
      if (kind) kinds.set(`${kind.group}/${kind.version}/${kind.kind}`, fullName(short));
    }
    start = end + 2;
  }
  return { blocks, kinds, enums: enumLines };
}

/** The descriptor of a built-in type by its OpenAPI name (`io.k8s.api.core.v1.PodSpec`), or undefined. Parsed on first use and shared. */
export function schemaOfType(name: string): ObjectDescriptor | undefined {
  const known = parsed.get(name);
  if (known) return known;
  const { blocks: all, enums } = index();
  const range = all.get(name);
  if (!range) return undefined;
  const lines = typeTable.slice(range[0], range[1]).split('\n');
  const { kind, atomic } = parseHeader(lines[0] ?? '');
  const fields: ReadonlyMap<string, FieldDescriptor> = parseFields(lines.slice(1), kind !== undefined, {
    typeNamed: (short) => requireType(fullName(short)),
    enumNamed: (short) => enums.get(short) ?? [],
  });
  const descriptor: ObjectDescriptor = {
    type: 'object',
    name,
    fields,
    mapType: atomic ? 'atomic' : 'granular',
    preserveUnknown: false,
    embeddedResource: false,
    kind,
  };
  parsed.set(name, descriptor);
  return descriptor;
}

function requireType(name: string): ObjectDescriptor {
  const descriptor = schemaOfType(name);
  if (!descriptor) throw new Error(`The type table refers to ${name}, which it does not define`);
  return descriptor;
}

/** The descriptor of a built-in top-level kind, lists and options included, or undefined. The core group is ''. */
export function schemaFor(group: string, version: string, kind: string): ObjectDescriptor | undefined {
  const { kinds: all } = index();
  const name = all.get(`${group}/${version}/${kind}`) ?? metaKinds(all, version, kind);
  return name === undefined ? undefined : schemaOfType(name);
}

/** Kinds of meta/v1 (Status, DeleteOptions, WatchEvent) are registered in every group. */
function metaKinds(all: Map<string, string>, version: string, kind: string): string | undefined {
  return version.startsWith('v') ? all.get(`meta.k8s.io/v1/${kind}`) : undefined;
}

/** The OpenAPI names of all built-in types. */
export function builtinTypeNames(): string[] {
  return [...index().blocks.keys()];
}

/** Follows a path of JSON names, list items by `[]` and map values by `{}`; undefined where it leads nowhere. */
export function descriptorAt(root: Descriptor, path: readonly string[]): Descriptor | undefined {
  let current: Descriptor | undefined = root;
  for (const step of path) {
    if (current === undefined) return undefined;
    if (step === '[]') current = current.type === 'list' ? current.items : undefined;
    else if (step === '{}') current = current.type === 'map' ? current.values : undefined;
    else current = current.type === 'object' ? current.fields.get(step)?.value : current.type === 'map' ? current.values : undefined;
  }
  return current;
}
