import { publishedSchema } from '../custom/published-schema.ts';
import { typeTable } from '../generated/type-table.ts';
import { builtinResources } from '../generated/resources.ts';
import { DefinitionBuilder } from './definitions.ts';
import type { JsonSchema, OpenApiVersion } from './definitions.ts';
import { loadDescriptions } from './descriptions.ts';
import { definitionOf, listDefinitionOf, pathsOf } from './operations.ts';
import type { OpenApiResource, Operation, Parameter, PathItem } from './operations.ts';

/** Media types of answers, of bodies and of patches. */
const produces = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

/** Custom resources have no Go types whose tags could say how lists merge. */
const customPatchTypes = patchTypes.filter((type) => type !== 'application/strategic-merge-patch+json');

const info = { title: 'Kubernetes', version: 'v1.36.0' };

function parameterJson({ name, in: place, type, description }: Parameter, version: OpenApiVersion): JsonSchema {
  const base = { name, in: place, ...(description === '' ? {} : { description }), ...(place === 'path' ? { required: true } : {}) };
  return version === 'v2' ? { ...base, type, uniqueItems: true } : { ...base, schema: { type, uniqueItems: true } };
}

function operationJson(operation: Operation, builder: DefinitionBuilder, version: OpenApiVersion): JsonSchema {
  const { group, version: apiVersion, kind } = operation.kind;
  const parameters = operation.parameters.map((parameter) => parameterJson(parameter, version));
  const patches = operation.custom === true ? customPatchTypes : patchTypes;
  const consumes = operation.method === 'patch' && operation.action === 'patch' ? patches : ['*/*'];
  const responses: Record<string, JsonSchema> = {};
  for (const { code, definition } of operation.answers) {
    const schema = definition === undefined ? { type: 'string' } : builder.ref(definition);
    const types = definition === undefined ? ['*/*'] : produces;
    const description = code === '201' ? 'Created' : code === '202' ? 'Accepted' : 'OK';
    responses[code] =
      version === 'v2' ? { description, schema } : { description, content: Object.fromEntries(types.map((type) => [type, { schema }])) };
  }
  responses['401'] = { description: 'Unauthorized' };
  const common = {
    description: operation.description,
    operationId: operation.id,
    tags: [`${group === '' ? 'core' : (group.split('.')[0] ?? '')}_${apiVersion}`],
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': { group, kind, version: apiVersion },
  };
  if (version === 'v2') {
    const body =
      operation.body === undefined
        ? []
        : [{ name: 'body', in: 'body', ...(operation.action === 'delete' ? {} : { required: true }), schema: builder.ref(operation.body) }];
    return {
      ...common,
      consumes,
      produces,
      schemes: ['https'],
      ...(parameters.length + body.length > 0 ? { parameters: [...body, ...parameters] } : {}),
      responses,
    };
  }
  const body = operation.body === undefined ? undefined : builder.ref(operation.body);
  return {
    ...common,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body
      ? {
          requestBody: {
            content: Object.fromEntries(consumes.map((type) => [type, { schema: body }])),
            ...(operation.action.startsWith('delete') ? {} : { required: true }),
          },
        }
      : {}),
    responses,
  };
}

function pathJson(item: PathItem, builder: DefinitionBuilder, version: OpenApiVersion): JsonSchema {
  return {
    ...Object.fromEntries(item.operations.map((operation) => [operation.method, operationJson(operation, builder, version)])),
    parameters: item.parameters.map((parameter) => parameterJson(parameter, version)),
  };
}

const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** The definitions that custom resources bring with them: each its own and its list. */
function customDefinitions(
  resources: readonly OpenApiResource[],
  builder: DefinitionBuilder,
  openApiVersion: OpenApiVersion,
): Map<string, JsonSchema> {
  const given = new Map<string, JsonSchema>();
  for (const resource of resources) {
    if (!resource.custom) continue;
    const { group, version, kind } = resource.info;
    const string = { type: 'string' };
    const { listKind = `${kind}List` } = resource.custom;
    const schema = publishedSchema(resource.custom.schema, openApiVersion, builder.ref(objectMeta));
    given.set(definitionOf(resource), { ...schema, 'x-kubernetes-group-version-kind': [{ group, kind, version }] });
    given.set(listDefinitionOf(resource), {
      description: `${listKind} is a list of ${kind}`,
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion: string,
        items: { type: 'array', items: builder.ref(definitionOf(resource)) },
        kind: string,
        metadata: builder.ref('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta'),
      },
      'x-kubernetes-group-version-kind': [{ group, kind: listKind, version }],
    });
  }
  return given;
}

export interface OpenApiDocument {
  readonly paths: Record<string, JsonSchema>;
  readonly definitions: Record<string, JsonSchema>;
}

async function build(resources: readonly OpenApiResource[], version: OpenApiVersion): Promise<OpenApiDocument> {
  const builder = new DefinitionBuilder(version, await loadDescriptions());
  const paths: Record<string, JsonSchema> = {};
  for (const resource of resources) for (const item of pathsOf(resource)) paths[item.path] = pathJson(item, builder, version);
  return { paths, definitions: builder.all(customDefinitions(resources, builder, version)) };
}

function builtin(group?: string, version?: string): OpenApiResource[] {
  return builtinResources
    .filter((item) => group === undefined || (item.group === group && item.version === version))
    .map((item) => ({ info: item }));
}

/** A group version's document for `/openapi/v3/…`, as UTF-8 JSON. Nothing of it is kept. `custom` adds custom resources of the same group version. */
export async function openapiV3(group: string, version: string, custom: readonly OpenApiResource[] = []): Promise<Uint8Array> {
  const { paths, definitions } = await build([...builtin(group, version), ...custom], 'v3');
  return new TextEncoder().encode(JSON.stringify({ openapi: '3.0.0', info, paths, components: { schemas: definitions } }));
}

/** `/openapi/v3`: where each group version's document is. `hash` must change with the document; `openapiHash` makes one. */
export function openapiV3Root(
  groupVersions: readonly { readonly group: string; readonly version: string; readonly hash: string }[],
): Uint8Array {
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const { group, version, hash } of groupVersions) {
    const path = group === '' ? `api/${version}` : `apis/${group}/${version}`;
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
  }
  return new TextEncoder().encode(JSON.stringify({ paths }));
}

/** The content of `/openapi/v2` before it is written in one of its two media types. */
export async function openapiV2Document(custom: readonly OpenApiResource[] = []): Promise<OpenApiDocument> {
  return build([...builtin(), ...custom], 'v2');
}

/** `/openapi/v2` as UTF-8 JSON. Nothing of it is kept. */
export async function openapiV2(custom: readonly OpenApiResource[] = []): Promise<Uint8Array> {
  const { paths, definitions } = await openapiV2Document(custom);
  return new TextEncoder().encode(JSON.stringify({ swagger: '2.0', info, paths, definitions }));
}

export const openapiInfo = info;

/** A short hash of a group version's document: of the built-in schema, the group version, and the custom schemas given as text. */
export function openapiHash(group: string, version: string, customSchemas = ''): string {
  let hash = 0xcbf29ce484222325n;
  for (const text of [group, version, typeTable.length.toString(), customSchemas]) {
    for (let at = 0; at < text.length; at++) hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n);
  }
  return hash.toString(16).toUpperCase().padStart(16, '0');
}
