import {
  applyDefaults,
  badRequest,
  decodeJson,
  decodeObject as decodeValue,
  decodeProtobuf,
  schemaFor,
  unsupportedMediaType,
} from '@bayplan/api';
import type { FieldValidation, KubeObject, ObjectDescriptor } from '@bayplan/api';
import type { ResourceContext } from '../chain/context.ts';
import { contentTypeOf, readValue } from './body.ts';
import type { CustomKind } from './custom-kind.ts';
import type { ServedResource } from './served-resource.ts';

interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly custom?: CustomKind | undefined;
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

/** The body as a defaulted object of `type`, in that version. An absent body is an empty object. */
export async function decodeBody(context: ResourceContext, type: GroupVersionKind, fieldValidation: FieldValidation): Promise<KubeObject> {
  const object = await decodeUndefaulted(context, type, fieldValidation);
  fillDefaults(context, type, object);
  return object;
}

async function decodeUndefaulted(context: ResourceContext, type: GroupVersionKind, fieldValidation: FieldValidation): Promise<KubeObject> {
  const { body } = context.request;
  if (body.kind !== 'bytes') return readTyped(context, type, await readValue(context), fieldValidation);
  const contentType = contentTypeOf(context);
  const descriptor = descriptorOf(type);
  if (contentType === 'application/json') {
    const text = (await body.read()).toString('utf8');
    if (text === '' && type.kind !== 'DeleteOptions')
      throw badRequest(
        `the object provided is unrecognized (must be of type ${type.kind}): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)`,
      );
    const { object, problems } = decodeJson(descriptor, text === '' ? '{}' : text, { validation: fieldValidation });
    return checked(context, type, object, problems, fieldValidation);
  }
  if (contentType === 'application/vnd.kubernetes.protobuf') {
    if (type.custom !== undefined) throw unsupportedMediaType(['application/json', 'application/yaml']);
    const bytes = await body.read();
    const object = bytes.length === 0 ? {} : decodeProtobuf(bytes, descriptor).object;
    return checked(context, type, object, [], fieldValidation);
  }
  return readTyped(context, type, await readValue(context), fieldValidation);
}

/** A JSON value as a defaulted object of `type`: for what a patch made. */
export function decodeAs(context: ResourceContext, type: GroupVersionKind, value: unknown, fieldValidation: FieldValidation): KubeObject {
  const object = readTyped(context, type, value, fieldValidation);
  fillDefaults(context, type, object);
  return object;
}

/** A JSON value as an object of `type`, without defaults. `sparse` leaves out what was not said: for what is applied. */
export function readTyped(
  context: ResourceContext,
  type: GroupVersionKind,
  value: unknown,
  fieldValidation: FieldValidation,
  sparse = false,
): KubeObject {
  const { object, problems } = decodeValue(descriptorOf(type), value ?? {}, { validation: fieldValidation, sparse });
  return checked(context, type, object, problems, fieldValidation);
}

export function toStored(resource: ServedResource, object: KubeObject): KubeObject {
  return resource.conversion === undefined ? object : resource.conversion.toStored(object);
}

function fillDefaults(context: ResourceContext, type: GroupVersionKind, object: KubeObject): void {
  if (type.custom === undefined) applyDefaults(type.group, type.version, type.kind, object, context.features);
  else type.custom.applyDefaults(object);
}

/** The schema of a kind that is served. Asserts that there is one. */
export function descriptorOf(type: GroupVersionKind): ObjectDescriptor {
  if (type.custom !== undefined) return type.custom.descriptor;
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
  const given = { apiVersion: String(value['apiVersion'] ?? ''), kind: String(value['kind'] ?? '') };
  if ((given.apiVersion !== '' && given.apiVersion !== apiVersion) || (given.kind !== '' && given.kind !== type.kind)) {
    if (given.apiVersion !== apiVersion) {
      throw badRequest(`the API version in the data (${given.apiVersion}) does not match the expected API version (${apiVersion})`);
    }
    throw badRequest(
      `${given.kind} in version ${JSON.stringify(type.version)} cannot be handled as a ${type.kind}: converting (${type.version}.${given.kind}) to (${type.version}.${type.kind}): unknown conversion`,
    );
  }
  if (problems.length > 0) {
    if (fieldValidation === 'Strict')
      throw badRequest(
        `${type.kind} in version ${JSON.stringify(type.version)} cannot be handled as a ${type.kind}: strict decoding error: ${problems.join(', ')}`,
      );
    for (const problem of problems) context.warnings.push(problem);
  }
  value['apiVersion'] = apiVersion;
  value['kind'] = type.kind;
  value['metadata'] ??= {};
  return value as unknown as KubeObject;
}
