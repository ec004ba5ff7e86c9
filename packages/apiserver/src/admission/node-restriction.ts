import { conflict, notFound, sameJson } from '@bayplan/api';
import type { AuthenticationV1TokenRequest, KubeObject, Node, Pod } from '@bayplan/api';
import { nodeNameOf } from '../authorization/node-authorizer.ts';
import { referencesOf } from '../authorization/pod-references.ts';
import type { Registry } from '../registry/registry.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { refuse } from './admission.ts';
import { checkNodeVolume } from './node-volume-restriction.ts';
import { isAgentLabel } from './agent-labels.ts';

const mirrorAnnotation = 'kubernetes.io/config.mirror';
const leaseNamespace = 'kube-node-lease';

/** A node's agent changes its own Node, Lease and CSINode, and pods, claims and tokens of its own node, only. */
export function nodeRestriction(registry: Registry): AdmissionPlugin {
  return {
    name: 'NodeRestriction',
    validate(request) {
      const node = nodeNameOf(request.user);
      if (node === undefined) return;
      const { group, resource } = request.resource;
      switch (`${group}/${resource}`) {
        case '/nodes':
          return checkNode(request, node);
        case '/pods':
          return checkPod(request, node, registry);
        case '/persistentvolumeclaims':
          return checkClaim(request, node);
        case '/persistentvolumes':
          return checkNodeVolume(request, node);
        case '/serviceaccounts':
          return checkToken(request, node, registry);
        case 'coordination.k8s.io/leases':
          return checkLease(request, node);
        case 'storage.k8s.io/csinodes':
          return checkOwn(request, node, 'can only access CSINode with the same name as the requesting node');
        default:
      }
    },
  };
}

function nodeText(node: string): string {
  return `node ${JSON.stringify(node)}`;
}

function checkNode(request: AdmissionRequest, node: string): void {
  const { operation, name } = request;
  if (name !== node) throw refuse(request, `${nodeText(node)} is not allowed to modify node ${JSON.stringify(name)}`);
  if (operation === 'DELETE') throw refuse(request, `${nodeText(node)} is not allowed to delete itself`);
  if (operation !== 'CREATE' && operation !== 'UPDATE') return;
  const now = request.object as Node;
  const before = request.old as Node | undefined;
  if (before !== undefined && !sameJson(now.spec?.taints ?? [], before.spec?.taints ?? []))
    throw refuse(request, `${nodeText(node)} is not allowed to modify taints`);
  if (before !== undefined && !sameJson(now.metadata.ownerReferences ?? [], before.metadata.ownerReferences ?? []))
    throw refuse(request, `${nodeText(node)} is not allowed to modify ownerReferences`);
  const bad = changedLabels(request.object, request.old).filter((label) => !isAgentLabel(label));
  if (bad.length === 0) return;
  const list = bad.sort().join(', ');
  throw refuse(
    request,
    before === undefined
      ? `${nodeText(node)} is not allowed to set the following labels: ${list}`
      : `is not allowed to modify labels: ${list}`,
  );
}

function changedLabels(object: KubeObject | undefined, old: KubeObject | undefined): string[] {
  const now = object?.metadata.labels ?? {};
  const before = old?.metadata.labels ?? {};
  return [...new Set([...Object.keys(now), ...Object.keys(before)])].filter((label) => now[label] !== before[label]);
}

async function checkPod(request: AdmissionRequest, node: string, registry: Registry): Promise<void> {
  const { operation, subresource } = request;
  const self = (action: string): string => `${nodeText(node)} can only ${action} pods with spec.nodeName set to itself`;
  if (subresource === 'status') {
    const pod = request.object as Pod;
    const old = request.old as Pod;
    if (old.spec?.nodeName !== node)
      throw refuse(request, `${nodeText(node)} can only update pod status for pods with spec.nodeName set to itself`);
    if (!sameJson(pod.metadata.labels ?? {}, old.metadata.labels ?? {}))
      throw refuse(request, `${nodeText(node)} cannot update labels through pod status`);
    if (!sameJson(pod.status?.resourceClaimStatuses ?? [], old.status?.resourceClaimStatuses ?? []))
      throw refuse(request, `${nodeText(node)} cannot update resource claim statues`);
    return;
  }
  if (subresource === 'eviction') {
    const pod = await registry.stored('', 'v1', 'pods').storage.find(request.namespace, request.name);
    if ((pod?.object as Pod | undefined)?.spec?.nodeName !== node) throw refuse(request, self('evict'));
    return;
  }
  if (subresource !== '')
    throw refuse(request, `unexpected pod subresource ${JSON.stringify(subresource)}, only "status" and "eviction" are allowed`);
  if (operation === 'DELETE') {
    if ((request.old as Pod | undefined)?.spec?.nodeName !== node) throw refuse(request, self('delete'));
    return;
  }
  if (operation !== 'CREATE')
    throw refuse(request, `unexpected operation ${JSON.stringify(operation)}, ${nodeText(node)} can only create and delete mirror pods`);
  await checkMirrorPod(request, node, registry);
}

async function checkMirrorPod(request: AdmissionRequest, node: string, registry: Registry): Promise<void> {
  const pod = request.object as Pod;
  if (pod.metadata.annotations?.[mirrorAnnotation] === undefined)
    throw refuse(
      request,
      `pod does not have ${JSON.stringify(mirrorAnnotation)} annotation, ${nodeText(node)} can only create mirror pods`,
    );
  if (pod.spec?.nodeName !== node) throw refuse(request, `${nodeText(node)} can only create pods with spec.nodeName set to itself`);
  const owners = pod.metadata.ownerReferences ?? [];
  const [owner] = owners;
  if (owners.length > 1) throw refuse(request, `${nodeText(node)} can only create pods with a single owner reference set to itself`);
  if (owner === undefined || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node)
    throw refuse(request, `${nodeText(node)} can only create pods with an owner reference set to itself`);
  if (owner.controller !== true)
    throw refuse(request, `${nodeText(node)} can only create pods with a controller owner reference set to itself`);
  if (owner.blockOwnerDeletion === true) throw refuse(request, `${nodeText(node)} must not set blockOwnerDeletion on an owner reference`);
  const nodes = registry.stored('', 'v1', 'nodes');
  const found = await nodes.storage.find('', node);
  if (found === undefined) throw notFound(nodes, node);
  if (owner.uid !== found.object.metadata.uid)
    throw refuse(request, `node ${node} UID mismatch: expected ${owner.uid} got ${found.object.metadata.uid ?? ''}`);
  if (pod.spec.serviceAccountName) throw refuse(request, `${nodeText(node)} can not create pods that reference a service account`);
  const references = referencesOf({ ...pod, metadata: { ...pod.metadata, annotations: {} } });
  for (const resource of ['secrets', 'configmaps', 'persistentvolumeclaims'] as const)
    if (references[resource].size > 0) throw refuse(request, `${nodeText(node)} can not create pods that reference ${resource}`);
}

function checkClaim(request: AdmissionRequest, node: string): void {
  if (request.subresource !== 'status') throw refuse(request, 'may only update PVC status');
  const kept = (object: KubeObject | undefined): unknown => {
    const claim = structuredClone(object) as KubeObject & { status?: Record<string, unknown> };
    delete claim.metadata.resourceVersion;
    delete claim.metadata.managedFields;
    for (const field of ['capacity', 'conditions', 'allocatedResources', 'allocatedResourceStatuses']) delete claim.status?.[field];
    return { metadata: claim.metadata, status: claim.status ?? {} };
  };
  if (!sameJson(kept(request.object), kept(request.old)))
    throw refuse(request, `${nodeText(node)} is not allowed to update fields other than status.capacity and status.conditions`);
}

function checkLease(request: AdmissionRequest, node: string): void {
  if (request.namespace !== leaseNamespace)
    throw refuse(request, `can only access leases in the ${JSON.stringify(leaseNamespace)} system namespace`);
  checkOwn(request, node, 'can only access node lease with the same name as the requesting node');
}

function checkOwn(request: AdmissionRequest, node: string, text: string): void {
  if ((request.name || request.object?.metadata.name) !== node) throw refuse(request, text);
}

async function checkToken(request: AdmissionRequest, node: string, registry: Registry): Promise<void> {
  if (request.subresource !== 'token' || request.operation !== 'CREATE') return;
  const ref = (request.object as unknown as AuthenticationV1TokenRequest | undefined)?.spec?.boundObjectRef;
  if (ref?.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) throw refuse(request, 'node requested token not bound to a pod');
  if (!ref.uid) throw refuse(request, 'node requested token with a pod binding without a uid');
  const pods = registry.stored('', 'v1', 'pods');
  const pod = (await pods.storage.find(request.namespace, ref.name))?.object as Pod | undefined;
  if (pod === undefined) throw notFound(pods, ref.name);
  if (pod.metadata.uid !== ref.uid) {
    throw conflict(
      pods,
      ref.name,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  if (pod.spec?.nodeName !== node) throw refuse(request, 'node requested token bound to a pod scheduled on a different node');
}
