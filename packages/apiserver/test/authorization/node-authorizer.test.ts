import { resources } from '@bayplan/api';
import type { SubjectAccessReview, KubeObject } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';

let api: TestApiServer;
let admin: Client;
const namespace = 'default';

beforeAll(async () => {
  // Without RBAC, whose roles give the network component of a node more.
  api = await startTestApiServer({ listen: false, authorization: { modes: ['Node'] } });
  admin = createClient(api.admin);
  for (const name of ['n1', 'n2']) await admin.create(resources.nodes, { metadata: { name } });
  await admin.create(resources.serviceAccounts, { metadata: { name: 'default', namespace } });
  await admin.create(resources.serviceAccounts, { metadata: { name: 'other', namespace } });
  for (const name of ['env', 'volume', 'unused']) await admin.create(resources.secrets, { metadata: { name, namespace } });
  await admin.create(resources.persistentVolumes, {
    metadata: { name: 'pv' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      csi: { driver: 'd.io', volumeHandle: 'h', nodeStageSecretRef: { namespace, name: 'volume' } },
    },
  });
  await admin.create(resources.persistentVolumeClaims, {
    metadata: { name: 'claim', namespace },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, volumeName: 'pv' },
  });
  await admin.create(resources.pods, {
    metadata: { name: 'p', namespace },
    spec: {
      nodeName: 'n1',
      containers: [{ name: 'c', image: 'i', envFrom: [{ secretRef: { name: 'env' } }, { configMapRef: { name: 'cm' } }] }],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'claim' } }],
      resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }],
    },
  });
  for (const node of ['n1', 'n2'])
    await admin.create(resources.volumeAttachments, {
      metadata: { name: `va-${node}` },
      spec: { attacher: 'd.io', nodeName: node, source: { persistentVolumeName: 'pv' } },
    });
});
afterAll(() => api.close());

interface Asked {
  readonly verb: string;
  readonly resource: string;
  readonly group?: string;
  readonly subresource?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly fieldSelector?: { readonly rawSelector: string };
}

async function ask(node: string, resourceAttributes: Asked): Promise<{ allowed: boolean; reason?: string | undefined }> {
  const review: SubjectAccessReview & KubeObject = {
    metadata: {},
    spec: { user: `system:node:${node}`, groups: ['system:nodes', 'system:authenticated'], resourceAttributes },
  };
  const { status } = await admin.create(resources.subjectAccessReviews, review);
  return { allowed: status?.allowed ?? false, reason: status?.reason };
}

const own: readonly Asked[] = [
  { verb: 'get', resource: 'secrets', namespace, name: 'env' },
  { verb: 'watch', resource: 'secrets', namespace, name: 'env' },
  { verb: 'get', resource: 'secrets', namespace, name: 'volume' },
  { verb: 'get', resource: 'configmaps', namespace, name: 'cm' },
  { verb: 'get', resource: 'persistentvolumeclaims', namespace, name: 'claim' },
  { verb: 'patch', resource: 'persistentvolumeclaims', subresource: 'status', namespace, name: 'claim' },
  { verb: 'get', resource: 'persistentvolumes', name: 'pv' },
  { verb: 'get', resource: 'volumeattachments', group: 'storage.k8s.io', name: 'va-n1' },
  { verb: 'get', resource: 'resourceclaims', group: 'resource.k8s.io', namespace, name: 'gpu' },
  { verb: 'create', resource: 'serviceaccounts', subresource: 'token', namespace, name: 'default' },
  { verb: 'get', resource: 'pods', namespace, name: 'p' },
  { verb: 'list', resource: 'pods', fieldSelector: { rawSelector: 'spec.nodeName=n1' } },
  { verb: 'get', resource: 'nodes', name: 'n1' },
  { verb: 'update', resource: 'leases', group: 'coordination.k8s.io', namespace: 'kube-node-lease', name: 'n1' },
  { verb: 'delete', resource: 'csinodes', group: 'storage.k8s.io', name: 'n1' },
  { verb: 'list', resource: 'resourceslices', group: 'resource.k8s.io', fieldSelector: { rawSelector: 'spec.nodeName=n1' } },
];

it.each(own)('$verb $resource $name is allowed to the node of the pod alone', async (asked) => {
  expect(await ask('n1', asked)).toMatchObject({ allowed: true });
  expect(await ask('n2', asked)).toMatchObject({ allowed: false });
});

it.each<[Asked, string]>([
  [{ verb: 'get', resource: 'secrets', namespace, name: 'unused' }, "no relationship found between node 'n1' and this object"],
  [{ verb: 'list', resource: 'secrets', namespace }, 'No Object name found'],
  [{ verb: 'update', resource: 'configmaps', namespace, name: 'cm' }, 'can only read resources of this type'],
  [{ verb: 'list', resource: 'persistentvolumes' }, 'can only get individual resources of this type'],
  [{ verb: 'list', resource: 'pods' }, 'can only list/watch pods with spec.nodeName field selector'],
  [{ verb: 'list', resource: 'nodes' }, "node 'n1' cannot read all nodes, only its own Node object"],
  [{ verb: 'get', resource: 'nodes', name: 'n2' }, "node 'n1' cannot read 'n2', only its own Node object"],
  [
    { verb: 'get', resource: 'leases', group: 'coordination.k8s.io', namespace, name: 'n1' },
    'can only access leases in the "kube-node-lease" system namespace',
  ],
  [
    { verb: 'create', resource: 'serviceaccounts', subresource: 'token', namespace, name: 'other' },
    "no relationship found between node 'n1' and this object",
  ],
])('%j says why not', async (asked, reason) => {
  expect(await ask('n1', asked)).toEqual({ allowed: false, reason });
});
