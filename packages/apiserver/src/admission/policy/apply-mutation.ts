import { applyJsonPatch, mergeValues, shapeOf, StatusError } from '@bayplan/api';
import type { Descriptor, ObjectDescriptor } from '@bayplan/api';
import type { Value } from '@bayplan/cel';
import { CelError, CelList, CelMap, StructValue, toJson } from '@bayplan/cel';

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A mutation that makes no sense; its policy's failure policy decides. */
export class MutationFault extends Error {}

/** `object` with what an `Object{}` value says merged in, as server-side apply merges. `object` is not changed. */
export function applyConfiguration(object: unknown, value: Value, descriptor: ObjectDescriptor): unknown {
  if (!(value instanceof StructValue)) throw new MutationFault('unsupported return type from ApplyConfiguration expression');
  const misnamed = typeNameFaults(value, ['Object']);
  if (misnamed.length > 0) throw new MutationFault(`type mismatch: ${misnamed.join('\n')}`);
  const patch = plain(value);
  const { apiVersion, kind } = object as Json;
  const applied = { ...(patch as Json), apiVersion, kind };
  const atomics = atomicPaths(applied, descriptor, '');
  if (atomics.length > 0) {
    throw new MutationFault(
      `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`,
    );
  }
  return mergeValues(object, applied, descriptor);
}

/** `object` after the operations of a list of `JSONPatch{}`; unchanged when a `test` fails. `object` is not changed. */
export function applyPatchList(object: unknown, value: Value): unknown {
  if (!(value instanceof CelList)) throw new MutationFault('type mismatch: JSONPatchType.expression should evaluate to array');
  const operations: Json[] = [];
  for (const item of value) {
    if (!(item instanceof StructValue)) {
      throw new MutationFault('type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch');
    }
    const held = item.get('value');
    const misnamed = held instanceof StructValue ? typeNameFaults(held, held.type.name.split('.')) : [];
    if (misnamed.length > 0) throw new MutationFault(`type mismatch: ${misnamed.join('\n')}`);
    operations.push(plain(item) as Json);
  }
  try {
    return applyJsonPatch(structuredClone(object), operations);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    const why = error.cause instanceof Error ? error.cause.message : (error.status.message ?? '');
    if (/^testing value .* failed$/s.test(why)) return object;
    throw new MutationFault(`JSON Patch: ${why}`);
  }
}

function plain(value: Value): unknown {
  const json = toJson(value);
  if (json instanceof CelError) throw new MutationFault(json.message);
  return json;
}

/** `Object.spec{}` may stand in the field `spec` of `Object{}` only. */
function typeNameFaults(value: unknown, path: readonly string[]): string[] {
  const faults: string[] = [];
  if (value instanceof StructValue) {
    const wanted = path.join('.');
    if (value.type.name !== wanted) {
      faults.push(
        `unexpected type name ${JSON.stringify(value.type.name)}, expected ${JSON.stringify(wanted)}, which matches field name path from root Object type`,
      );
    }
    for (const [name, field] of value.fields) faults.push(...typeNameFaults(field, [...path, name]));
  } else if (value instanceof CelList) for (const item of value) faults.push(...typeNameFaults(item, path));
  else if (value instanceof CelMap) for (const key of value.keys()) faults.push(...typeNameFaults(value.get(key), path));
  return faults;
}

/** Lists, maps and objects of a patch that can only be replaced whole, which an apply configuration may not do. */
function atomicPaths(value: unknown, descriptor: Descriptor, path: string): string[] {
  if (Array.isArray(value)) {
    if (descriptor.type !== 'list') return [];
    if (shapeOf(descriptor, value).kind === 'leaf') return [path];
    return value.flatMap((item, position) => atomicPaths(item, descriptor.items, `${path}[${position.toString()}]`));
  }
  if (!isObject(value)) return [];
  if ((descriptor.type === 'object' || descriptor.type === 'map') && descriptor.mapType === 'atomic') return [path];
  return Object.entries(value).flatMap(([name, item]) => {
    const below =
      descriptor.type === 'map' ? descriptor.values : descriptor.type === 'object' ? descriptor.fields.get(name)?.value : undefined;
    return below === undefined ? [] : atomicPaths(item, below, `${path}.${name}`);
  });
}
