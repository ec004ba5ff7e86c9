import { applyDefaults, badRequest, decodeJson, decodeObject as decodeValue, schemaFor } from '@bayplan/api';
import type { FieldValidation, KubeObject, ObjectDescriptor } from '@bayplan/api';
import type { ResourceContext } from '../chain/context.ts';
import { contentTypeOf, readValue } from './body.ts';
import type { ServedResource } from './served-resource.ts';

interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/**
 * The request's body as an object in the stored version: decoded, pruned and defaulted. Throws
 * `BadRequest` for a wrong type and, under `Strict`, for fields that do not exist.
 */
export async function decodeObject(
  context: ResourceContext,
  resource: ServedResource,
  options: { readonly fieldValidation: FieldValidation },
): Promise<KubeObject> {
  return toStored(resource, await decodeBody(context, resource, options.fieldValidation));
}

/** The body as an object of `type`, in that version. */
export async function decodeBody(context: ResourceContext, type: GroupVersionKind, fieldValidation: FieldValidation): Promise<KubeObject> {
  const { body } = context.request;
  if (body.kind === 'bytes' && contentTypeOf(context) === 'application/json') {
    const text = (await body.read()).toString('utf8');
    const { object, problems } = decodeJson(descriptorOf(type), text === '' ? '{}' : text, { validation: fieldValidation });
    return checked(context, type, object, problems, fieldValidation);
  }
  return decodeAs(context, type, await readValue(context), fieldValidation);
}

/** A JSON value as an object of `type`: for what a patch made. */
export function decodeAs(context: ResourceContext, type: GroupVersionKind, value: unknown, fieldValidation: FieldValidation): KubeObject {
  const { object, problems } = decodeValue(descriptorOf(type), value ?? {}, { validation: fieldValidation });
  return checked(context, type, object, problems, fieldValidation);
}

export function toStored(resource: ServedResource, object: KubeObject): KubeObject {
  return resource.conversion === undefined ? object : resource.conversion.toStored(object);
}

export function descriptorOf(type: GroupVersionKind): ObjectDescriptor {
  const descriptor = schemaFor(type.group, type.version, type.kind);
  if (descriptor === undefined) throw new Error(`no schema of ${type.group}/${type.version} ${type.kind}`);
  return descriptor;
}

function checked(
  context: ResourceContext,
  type: GroupVersionKind,
  value: Record<string, unknown>,
  problems: readonly string[],
  fieldValidation: FieldValidation,
): KubeObject {
  const apiVersion = type.group === '' ? type.version : `${type.group}/${type.version}`;
  const given = { apiVersion: value['apiVersion'] ?? '', kind: value['kind'] ?? '' };
  if ((given.apiVersion !== '' && given.apiVersion !== apiVersion) || (given.kind !== '' && given.kind !== type.kind)) {
    throw badRequest(
      `${String(given.kind)} in version ${JSON.stringify(given.apiVersion)} cannot be handled as a ${type.kind}: expected ${apiVersion}, Kind=${type.kind}`,
    );
  }
  if (problems.length > 0) {
    if (fieldValidation === 'Strict') throw badRequest(`strict decoding error: ${problems.join(', ')}`);
    for (const problem of problems) context.warnings.push(problem);
  }
  value['apiVersion'] = apiVersion;
  value['kind'] = type.kind;
  value['metadata'] ??= {};
  applyDefaults(type.group, type.version, type.kind, value);
  return value as unknown as KubeObject;
}
