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

/** Lets others have their turn while a large document is made. */
export type Pause = () => Promise<void>;

const noPause: Pause = () => Promise.resolve();
/** Resources, and bytes of text, between two pauses. */
const resourcesInTurn = 8;
const bytesInTurn = 256 * 1024;

async function build(resources: readonly OpenApiResource[], version: OpenApiVersion, pause: Pause): Promise<OpenApiDocument> {
  const builder = new DefinitionBuilder(version, await loadDescriptions());
  const paths: Record<string, JsonSchema> = {};
  const given = new Map<string, JsonSchema>();
  for (const [at, resource] of resources.entries()) {
    for (const item of pathsOf(resource)) paths[item.path] = pathJson(item, builder, version);
    for (const [name, schema] of customDefinitions([resource], builder, version)) given.set(name, schema);
    if (at % resourcesInTurn === resourcesInTurn - 1) await pause();
  }
  return { paths, definitions: builder.all(given) };
}

/** `head` with the members of the documents' two large objects put in under their names. */
async function encoded(
  head: object,
  parts: readonly (readonly [string, Record<string, JsonSchema>])[],
  tail: string,
  pause: Pause,
): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  const chunks: Uint8Array[] = [];
  let text = JSON.stringify(head).slice(0, -1);
  const flush = (): void => {
    chunks.push(encoder.encode(text));
    text = '';
  };
  for (const [name, members] of parts) {
    text += `,${name}{`;
    let first = true;
    for (const [key, member] of Object.entries(members)) {
      text += `${first ? '' : ','}${JSON.stringify(key)}:${JSON.stringify(member)}`;
      first = false;
      if (text.length < bytesInTurn) continue;
      flush();
      await pause();
    }
    text += '}';
  }
  text += tail;
  flush();
  const whole = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function builtin(group?: string, version?: string): OpenApiResource[] {
  return builtinResources
    .filter((item) => group === undefined || (item.group === group && item.version === version))
    .map((item) => ({ info: item }));
}

/** A group version's document for `/openapi/v3/…`, as UTF-8 JSON. Nothing of it is kept. `custom` adds custom resources of the same group version. */
export async function openapiV3(
  group: string,
  version: string,
  custom: readonly OpenApiResource[] = [],
  pause: Pause = noPause,
): Promise<Uint8Array> {
  const { paths, definitions } = await build([...builtin(group, version), ...custom], 'v3', pause);
  const parts = [['"paths":', paths] as const, ['"components":{"schemas":', definitions] as const];
  return encoded({ openapi: '3.0.0', info }, parts, '}}', pause);
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
export async function openapiV2Document(custom: readonly OpenApiResource[] = [], pause: Pause = noPause): Promise<OpenApiDocument> {
  return build([...builtin(), ...custom], 'v2', pause);
}

/** `/openapi/v2` as UTF-8 JSON. Nothing of it is kept. */
export async function openapiV2(custom: readonly OpenApiResource[] = [], pause: Pause = noPause): Promise<Uint8Array> {
  const { paths, definitions } = await openapiV2Document(custom, pause);
  const parts = [['"paths":', paths] as const, ['"definitions":', definitions] as const];
  return encoded({ swagger: '2.0', info }, parts, '}', pause);
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
