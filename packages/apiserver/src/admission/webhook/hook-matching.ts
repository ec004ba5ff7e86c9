import { internalError, notFound } from '@bayplan/api';
import type { KubeObject, Rule, RuleWithOperations, Selector } from '@bayplan/api';
import type { Registry } from '../../registry/registry.ts';
import type { ServedResource } from '../../registry/served-resource.ts';
import { sharesObjects, subresourceOf } from '../../registry/served-resource.ts';
import type { AdmissionRequest, GroupVersionKind } from '../admission.ts';
import type { Hook } from './hook.ts';

/** In which version a webhook wants to see the object of a request. */
export interface Invocation {
  readonly resource: ServedResource;
  readonly kind: GroupVersionKind;
}

/** What configures admission is never itself subject to it: a mistake must stay mendable. */
const exempt = new Set([
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
]);

/** What this server itself writes, too: without it no server would come up for the administrator to mend one. */
export function isExempt({ resource, context }: AdmissionRequest): boolean {
  const { peer } = context.request;
  if (peer.kind === 'loopback' && peer.identity.name === 'system:apiserver') return true;
  return resource.group === 'admissionregistration.k8s.io' && exempt.has(resource.resource);
}

/** How a webhook is to be called about a request; undefined when it is not concerned. Throws `NotFound` for a lost namespace. */
export async function invocationOf(hook: Hook, request: AdmissionRequest, registry: Registry): Promise<Invocation | undefined> {
  const resource = matchedResource(hook, request, registry);
  if (resource === undefined) return undefined;
  if (!(await matchesNamespace(hook.namespaceSelector, request, registry))) return undefined;
  if (!matchesObjects(hook.objectSelector, request)) return undefined;
  return { resource, kind: kindIn(resource, request) };
}

/** The kind of what admission is shown, in the version of `resource`. */
export function kindIn(resource: ServedResource, request: AdmissionRequest): GroupVersionKind {
  if (request.bodyKind !== undefined) return request.bodyKind;
  const { group, version, kind } = resource;
  return { group, version, kind };
}

function matchedResource(hook: Hook, request: AdmissionRequest, registry: Registry): ServedResource | undefined {
  const rules = hook.webhook.rules ?? [];
  if (rules.some((rule) => matchesRule(rule, request, request.resource))) return request.resource;
  if (hook.webhook.matchPolicy !== 'Equivalent' || request.resource.storage === undefined) return undefined;
  for (const other of registry.all()) {
    if (other === request.resource || !sharesObjects(other, request.resource)) continue;
    if (request.subresource !== '' && subresourceOf(other, request.subresource) === undefined) continue;
    if (rules.some((rule) => matchesRule(rule, request, other))) return other;
  }
  return undefined;
}

/** Operation, group, version, resource and scope, as if the request was for `resource`. */
export function matchesRule(rule: RuleWithOperations, request: AdmissionRequest, resource: ServedResource): boolean {
  const { operations = [] } = rule;
  if (!operations.includes('*') && !operations.includes(request.operation)) return false;
  if (!includes(rule.apiGroups, resource.group) || !includes(rule.apiVersions, resource.version)) return false;
  return matchesScope(rule, request) && (rule.resources ?? []).some((one) => matchesName(one, resource.resource, request.subresource));
}

function includes(list: readonly string[] | undefined, value: string): boolean {
  return (list ?? []).some((one) => one === '*' || one === value);
}

/** `pods`, `pods/status`, `pods/*`, `*`, `*​/status` and `*​/*`. */
function matchesName(pattern: string, resource: string, subresource: string): boolean {
  const [wanted = '', part = ''] = pattern.split('/');
  return (wanted === '*' || wanted === resource) && (part === '*' || part === subresource);
}

function matchesScope({ scope = '*' }: Rule, request: AdmissionRequest): boolean {
  if (scope === '*') return true;
  // A Namespace bears its own name as its namespace, and yet belongs to the cluster.
  const namespaced = !isNamespace(request) && request.namespace !== '';
  return namespaced === (scope === 'Namespaced');
}

export function isNamespace({ resource }: AdmissionRequest): boolean {
  return resource.group === '' && resource.resource === 'namespaces';
}

/** Whether the namespace of a request is selected; what has none is. Throws `NotFound` for a lost namespace. */
export async function matchesNamespace(selector: Selector, request: AdmissionRequest, registry: Registry): Promise<boolean> {
  if (selector.isEverything) return true;
  if (!isNamespace(request) && request.namespace === '') return true;
  return selector.matches(await namespaceLabels(request, registry));
}

async function namespaceLabels(request: AdmissionRequest, registry: Registry): Promise<Record<string, string>> {
  if (isNamespace(request) && request.subresource === '') {
    const object = request.operation === 'DELETE' ? request.old : request.object;
    if (object !== undefined) return object.metadata.labels ?? {};
  }
  const { storage, ...namespaces } = registry.stored('', 'v1', 'namespaces');
  const name = isNamespace(request) ? request.name : request.namespace;
  await storage.cache.start();
  const found = storage.cache.get('', name)?.stored ?? (await storage.find('', name));
  if (found === undefined) throw notFound(namespaces, name);
  return found.object.metadata.labels ?? {};
}

/** Whether the new or the old object is selected. */
export function matchesObjects(selector: Selector, { object, old }: AdmissionRequest): boolean {
  return selector.isEverything || [object, old].some((one) => one?.metadata !== undefined && selector.matches(labelsOf(one)));
}

function labelsOf({ metadata }: KubeObject): Record<string, string> {
  return metadata.labels ?? {};
}

/** An object of the stored version in that of `resource`. Neither changes the other. Throws `InternalError`. */
export async function convertedTo(resource: ServedResource, request: AdmissionRequest, object: KubeObject): Promise<KubeObject> {
  if (request.bodyKind !== undefined) return object;
  try {
    if (resource.custom !== undefined) return await resource.custom.from(object);
    return resource.conversion === undefined ? object : await resource.conversion.fromStored(object);
  } catch (error) {
    throw internalError((error as Error).message, error);
  }
}
