import { forbidden, sameJson } from '@bayplan/api';
import type { KubeObject, Pod, AuthenticationV1TokenRequest } from '@bayplan/api';
import { nodeNameOf } from '../authorization/node-authorizer.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

const restrictedLabel = /(^|\.)node-restriction\.kubernetes\.io\//;

/** A node's agent changes its own Node, and pods and tokens of its own node, only. */
export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  validate(request) {
    const node = nodeNameOf(request.user);
    if (node === undefined || request.resource.group !== '') return;
    switch (request.resource.resource) {
      case 'nodes':
        return checkNode(request, node);
      case 'pods':
        return checkPod(request, node);
      case 'serviceaccounts':
        return checkToken(request, node);
      case 'persistentvolumes':
        return checkVolume(request, node);
      default:
    }
  },
};

function checkNode(request: AdmissionRequest, node: string): void {
  if (request.name !== node)
    throw forbidden(
      request.resource,
      request.name,
      `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(request.name)}`,
    );
  if (request.operation === 'DELETE') throw forbidden(request.resource, request.name, 'a node may not delete itself');
  for (const label of changedLabels(request.object, request.old)) {
    if (restrictedLabel.test(label)) throw forbidden(request.resource, request.name, `is not allowed to modify labels: ${label}`);
  }
}

function changedLabels(object: KubeObject | undefined, old: KubeObject | undefined): string[] {
  const now = object?.metadata.labels ?? {};
  const before = old?.metadata.labels ?? {};
  return [...new Set([...Object.keys(now), ...Object.keys(before)])].filter((label) => now[label] !== before[label]);
}

function checkPod(request: AdmissionRequest, node: string): void {
  const pod = (request.operation === 'CREATE' && request.subresource === '' ? request.object : request.old) as Pod | undefined;
  if (pod === undefined) return;
  if (
    request.operation === 'CREATE' &&
    request.subresource === '' &&
    pod.metadata?.annotations?.['kubernetes.io/config.mirror'] === undefined
  ) {
    throw forbidden(
      request.resource,
      request.name,
      `pod does not have "kubernetes.io/config.mirror" annotation, node ${JSON.stringify(node)} can only create mirror pods`,
    );
  }
  if (pod.spec?.nodeName !== node)
    throw forbidden(request.resource, request.name, `node ${JSON.stringify(node)} can only change pods with spec.nodeName set to itself`);
}

function checkToken(request: AdmissionRequest, node: string): void {
  if (request.subresource !== 'token') return;
  const ref = (request.object as unknown as AuthenticationV1TokenRequest | undefined)?.spec?.boundObjectRef;
  if (ref?.kind !== 'Pod' || !ref.uid)
    throw forbidden(request.resource, request.name, `node ${JSON.stringify(node)} can only request tokens bound to a pod by name and UID`);
}

const folderFinalizer = 'bayplan.io/local-path';

/** Of a volume that is a folder on the node, its agent says only that the folder is gone. */
function checkVolume({ object, old, resource, name }: AdmissionRequest, node: string): void {
  if (object === undefined || old === undefined) return;
  const rest = (one: KubeObject): unknown => ({
    ...one,
    metadata: {
      ...one.metadata,
      managedFields: undefined,
      resourceVersion: undefined,
      finalizers: (one.metadata.finalizers ?? []).filter((finalizer) => finalizer !== folderFinalizer),
    },
  });
  const added = object.metadata.finalizers?.includes(folderFinalizer) && !old.metadata.finalizers?.includes(folderFinalizer);
  if (added || !sameJson(rest(object), rest(old)))
    throw forbidden(resource, name, `node ${JSON.stringify(node)} may only remove the finalizer ${folderFinalizer}`);
}
