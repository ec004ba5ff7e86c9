import type { JSONSchemaProps } from '../generated/types.ts';
import { schemaFor } from '../schema/builtin.ts';
import type { ObjectDescriptor } from '../schema/descriptor.ts';
import type { ResourceInfo, SubresourceInfo } from '../resources.ts';
import { patchDefinition } from './definitions.ts';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly type: 'string' | 'boolean' | 'integer';
  readonly description: string;
}

export interface Operation {
  readonly method: 'get' | 'put' | 'post' | 'delete' | 'patch' | 'head' | 'options';
  readonly id: string;
  readonly description: string;
  /** `x-kubernetes-action`. */
  readonly action: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly parameters: readonly Parameter[];
  /** Of a custom resource. */
  readonly custom?: boolean | undefined;
  /** Definition names. */
  readonly body?: string | undefined;
  readonly answers: readonly { readonly code: string; readonly definition: string | undefined }[];
}

export interface PathItem {
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly operations: readonly Operation[];
}

/** What OpenAPI says of a custom resource. */
export interface CustomPublication {
  /** Of its definition: `com.example.v1.Widget`. */
  readonly name: string;
  readonly listKind?: string | undefined;
  /** The structural schema, with its descriptions. */
  readonly schema: JSONSchemaProps;
}

/** A resource to publish. */
export interface OpenApiResource {
  readonly info: ResourceInfo;
  /** Of a custom resource: the name and JSON schema of its definition. Built-in kinds leave it out. */
  readonly custom?: CustomPublication | undefined;
}

const query = (name: string, type: Parameter['type'], description: string): Parameter => ({ name, in: 'query', type, description });
const inPath = (name: string, description: string): Parameter => ({ name, in: 'path', type: 'string', description });

const pretty = query('pretty', 'string', 'If true, the output is indented.');
const namespace = inPath('namespace', 'object name and auth scope, such as for teams and projects');
const dryRun = query('dryRun', 'string', 'All: every stage is run, but nothing is stored.');
const fieldManager = query('fieldManager', 'string', 'The name of the actor that makes these changes.');
const fieldValidation = query('fieldValidation', 'string', 'What to do about unknown or duplicate fields: Ignore, Warn or Strict.');
const force = query('force', 'boolean', 'Take over fields that other managers own. Of apply requests only.');
const labelSelector = query('labelSelector', 'string', 'Restricts the objects by their labels.');
const fieldSelector = query('fieldSelector', 'string', 'Restricts the objects by their fields.');
const listParameters: readonly Parameter[] = [
  query('allowWatchBookmarks', 'boolean', 'Asks for events of type BOOKMARK.'),
  query('continue', 'string', 'The token of an earlier answer, to get the rest of its list.'),
  fieldSelector,
  labelSelector,
  query('limit', 'integer', 'The largest number of objects to answer with.'),
  query('resourceVersion', 'string', 'How fresh the answer must be.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is meant: Exact or NotOlderThan.'),
  query('sendInitialEvents', 'boolean', 'Begin a watch with the state, ended by a bookmark.'),
  query('timeoutSeconds', 'integer', 'Ends the call after this time.'),
  query('watch', 'boolean', 'Answer with a stream of changes.'),
];
const deleteParameters: readonly Parameter[] = [
  dryRun,
  query('gracePeriodSeconds', 'integer', 'Seconds before the object is deleted.'),
  query('ignoreStoreReadErrorWithClusterBreakingPotential', 'boolean', 'Delete even what cannot be read back from storage.'),
  query('orphanDependents', 'boolean', 'Deprecated: use propagationPolicy.'),
  query('propagationPolicy', 'string', 'What happens to dependents: Orphan, Background or Foreground.'),
];
const writeParameters = [dryRun, fieldManager, fieldValidation];

const status = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';
const deleteOptions = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function groupPart(group: string, version: string): string {
  const parts = group.split('.');
  // Groups of others than Kubernetes may begin alike.
  const first = group.endsWith('.k8s.io') ? (parts[0] ?? '') : parts.map(capital).join('');
  return `${group === '' ? 'Core' : capital(first)}${capital(version)}`;
}

export function definitionOf({ info, custom }: OpenApiResource): string {
  return custom?.name ?? schemaFor(info.group, info.version, info.kind)?.name ?? status;
}

export function listDefinitionOf(resource: OpenApiResource): string {
  return `${definitionOf(resource)}List`;
}

/** All paths of a resource and its subresources. */
export function pathsOf(resource: OpenApiResource): PathItem[] {
  const { info } = resource;
  const root = info.group === '' ? `/api/${info.version}` : `/apis/${info.group}/${info.version}`;
  const scope = info.namespaced ? `${root}/namespaces/{namespace}` : root;
  const collection = `${scope}/${info.resource}`;
  const scopeParameters = info.namespaced ? [namespace, pretty] : [pretty];
  const name = inPath('name', `name of the ${info.kind}`);
  const items: PathItem[] = [
    { path: collection, parameters: scopeParameters, operations: collectionOperations(resource, info.namespaced ? 'Namespaced' : '') },
    {
      path: `${collection}/{name}`,
      parameters: [name, ...scopeParameters],
      operations: objectOperations(resource, '', info.verbs, info, definitionOf(resource)),
    },
  ];
  if (info.namespaced && info.verbs.includes('list')) {
    const operations = collectionOperations(resource, '', 'ForAllNamespaces').filter((operation) => operation.action === 'list');
    items.push({ path: `${root}/${info.resource}`, parameters: [pretty], operations });
  }
  for (const subresource of info.subresources)
    items.push(...subresourcePaths(resource, subresource, `${collection}/{name}`, [name, ...scopeParameters]));
  const used = items.filter((item) => item.operations.length > 0);
  if (resource.custom === undefined) return used;
  return used.map((item) => ({ ...item, operations: item.operations.map((operation) => ({ ...operation, custom: true })) }));
}

function collectionOperations(resource: OpenApiResource, scope: string, suffix = ''): Operation[] {
  const { info } = resource;
  const operations: Operation[] = [];
  const id = (verb: string): string =>
    `${verb}${groupPart(info.group, info.version)}${verb === 'deleteCollection' ? `Collection${scope}` : scope}${info.kind}${suffix}`;
  if (info.verbs.includes('list')) {
    operations.push({
      method: 'get',
      id: id('list'),
      action: 'list',
      kind: info,
      description: `list or watch objects of kind ${info.kind}`,
      parameters: listParameters,
      answers: [{ code: '200', definition: listDefinitionOf(resource) }],
    });
  }
  if (info.verbs.includes('create'))
    operations.push(writeOperation('post', id('create'), `create a ${info.kind}`, info, definitionOf(resource)));
  if (info.verbs.includes('deletecollection')) {
    operations.push({
      method: 'delete',
      id: id('deleteCollection').replace('deleteCollection', 'delete'),
      action: 'deletecollection',
      kind: info,
      description: `delete collection of ${info.kind}`,
      parameters: [...listParameters.filter(({ name }) => name !== 'watch' && name !== 'allowWatchBookmarks'), ...deleteParameters],
      body: deleteOptions,
      answers: [{ code: '200', definition: status }],
    });
  }
  return operations;
}

function writeOperation(
  method: 'post' | 'put' | 'patch',
  id: string,
  description: string,
  kind: Operation['kind'],
  definition: string,
): Operation {
  const codes = method === 'post' ? ['200', '201', '202'] : ['200', '201'];
  return {
    method,
    id,
    description,
    kind,
    action: method,
    parameters: method === 'patch' ? [...writeParameters, force] : writeParameters,
    body: method === 'patch' ? patchDefinition : definition,
    answers: codes.map((code) => ({ code, definition })),
  };
}

function objectOperations(
  resource: OpenApiResource,
  suffix: string,
  verbs: readonly string[],
  kind: Operation['kind'],
  definition: string,
): Operation[] {
  const { info } = resource;
  const id = (verb: string): string =>
    `${verb}${groupPart(info.group, info.version)}${info.namespaced ? 'Namespaced' : ''}${info.kind}${suffix}`;
  const of = suffix === '' ? `the specified ${info.kind}` : `${suffix.toLowerCase()} of the specified ${info.kind}`;
  const operations: Operation[] = [];
  const shown = { group: kind.group, version: kind.version, kind: kind.kind };
  if (verbs.includes('get')) {
    operations.push({
      method: 'get',
      id: id('read'),
      action: 'get',
      kind: shown,
      description: `read ${of}`,
      parameters: [],
      answers: [{ code: '200', definition }],
    });
  }
  if (verbs.includes('update')) operations.push(writeOperation('put', id('replace'), `replace ${of}`, shown, definition));
  if (suffix !== '' && verbs.includes('create')) operations.push(writeOperation('post', id('create'), `create ${of}`, shown, definition));
  if (verbs.includes('delete')) {
    operations.push({
      method: 'delete',
      id: id('delete'),
      action: 'delete',
      kind: shown,
      description: `delete a ${info.kind}`,
      parameters: deleteParameters,
      body: deleteOptions,
      answers: [
        { code: '200', definition: status },
        { code: '202', definition: status },
      ],
    });
  }
  if (verbs.includes('patch')) operations.push(writeOperation('patch', id('patch'), `partially update ${of}`, shown, definition));
  return operations;
}

function subresourcePaths(
  resource: OpenApiResource,
  subresource: SubresourceInfo,
  base: string,
  parameters: readonly Parameter[],
): PathItem[] {
  const { info } = resource;
  const suffix = capital(subresource.name);
  const own = subresource.group === info.group && subresource.version === info.version && subresource.kind === info.kind;
  const descriptor = schemaFor(subresource.group, subresource.version, subresource.kind);
  const definition = own ? definitionOf(resource) : (descriptor?.name ?? status);
  const path = `${base}/${subresource.name}`;
  if (subresource.connect.length === 0) {
    const text = subresource.name === 'log';
    const operations = objectOperations(resource, suffix, subresource.verbs, subresource, definition);
    if (!text) return [{ path, parameters, operations }];
    const options = optionParameters(schemaFor('', 'v1', 'PodLogOptions'));
    return [
      {
        path,
        parameters: [...parameters, ...options],
        operations: operations.map((operation) => ({ ...operation, answers: [{ code: '200', definition: undefined }] })),
      },
    ];
  }
  const options = optionParameters(descriptor);
  const connect = (at: string, suffixOfId: string, more: readonly Parameter[]): PathItem => ({
    path: at,
    parameters: [...parameters, ...options, ...more].filter(
      (parameter, index, all) => all.findIndex(({ name }) => name === parameter.name) === index,
    ),
    operations: subresource.connect.map((method) => ({
      method: method.toLowerCase() as Operation['method'],
      id: `connect${capital(method.toLowerCase())}${groupPart(info.group, info.version)}${info.namespaced ? 'Namespaced' : ''}${info.kind}${suffix}${suffixOfId}`,
      action: 'connect',
      kind: { group: subresource.group, version: subresource.version, kind: subresource.kind },
      description: `connect ${method} requests to ${subresource.name} of ${info.kind}`,
      parameters: [],
      answers: [{ code: '200', definition: undefined }],
    })),
  });
  const paths = [connect(path, '', [])];
  if (subresource.name === 'proxy') paths.push(connect(`${path}/{path}`, 'WithPath', [inPath('path', 'path to the resource')]));
  return paths;
}

/** The fields of an options kind as query parameters. */
function optionParameters(descriptor: ObjectDescriptor | undefined): Parameter[] {
  const parameters: Parameter[] = [];
  for (const field of descriptor?.fields.values() ?? []) {
    if (field.name === 'kind' || field.name === 'apiVersion') continue;
    const scalar = field.value.type === 'scalar' ? field.value.scalar : 'string';
    parameters.push(query(field.name, scalar === 'bool' ? 'boolean' : scalar === 'int32' || scalar === 'int64' ? 'integer' : 'string', ''));
  }
  return parameters;
}
