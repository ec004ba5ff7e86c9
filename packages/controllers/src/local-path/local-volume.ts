import type { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '@bayplan/api';
import { provisionedBy } from '../persistent-volumes/annotations.ts';
import { folderFinalizer, localPathProvisioner, nodeLabel, rootAnnotation } from './local-path-names.ts';

const hostnameLabel = 'kubernetes.io/hostname';

/** Why no folder can serve a claim; undefined when one can. */
export function whyNotLocal(claim: PersistentVolumeClaim, storageClass: StorageClass): string | undefined {
  const { accessModes = [], volumeMode, dataSource, dataSourceRef, selector } = claim.spec ?? {};
  const impossible = accessModes.filter((mode) => mode !== 'ReadWriteOnce' && mode !== 'ReadWriteOncePod');
  if (impossible.length > 0) return `a local-path volume is on one node, so it cannot be ${impossible.join(', ')}`;
  if (volumeMode === 'Block') return 'a local-path volume is a folder, so it cannot have volumeMode Block';
  if (dataSource !== undefined || dataSourceRef !== undefined) return 'a local-path volume cannot be filled from a data source';
  if (selector !== undefined) return 'claim Selector is not supported';
  const unknown = Object.keys(storageClass.parameters ?? {});
  return unknown.length > 0 ? `the provisioner has no parameters, but the class sets ${unknown.sort().join(', ')}` : undefined;
}

/** The volume for a claim: a folder of its own on the node, to be made when a pod first uses it. */
export function localVolume(claim: PersistentVolumeClaim, storageClass: StorageClass, node: Node): PersistentVolume {
  const name = `pvc-${claim.metadata.uid ?? ''}`;
  const nodeName = node.metadata.name ?? '';
  const root = node.metadata.annotations?.[rootAnnotation] ?? '';
  const { namespace, name: claimName, uid, resourceVersion } = claim.metadata;
  const hostname = node.metadata.labels?.[hostnameLabel] ?? nodeName;
  return {
    metadata: {
      name,
      labels: { [nodeLabel]: nodeName },
      annotations: { [provisionedBy]: localPathProvisioner },
      // A simulated node has no agent that could let the volume go.
      ...(root === '' ? {} : { finalizers: [folderFinalizer] }),
    },
    spec: {
      capacity: { storage: claim.spec?.resources?.requests?.['storage'] ?? '0' },
      accessModes: [...(claim.spec?.accessModes ?? [])],
      volumeMode: 'Filesystem',
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: claimName, uid, resourceVersion },
      local: { path: `${root === '' ? '/hollow' : root}/${name}` },
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: hostnameLabel, operator: 'In', values: [hostname] }] }] },
      },
    },
  };
}

/** A node for a class that does not wait for the scheduler: any that is ready, the same one at every try. */
export function nodeForClaim(claim: PersistentVolumeClaim, nodes: readonly Node[]): Node | undefined {
  const fit = nodes
    .filter((node) => node.metadata.annotations?.[rootAnnotation] !== undefined && !node.spec?.unschedulable)
    .filter((node) => node.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'))
    .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
  let hash = 0;
  for (const char of claim.metadata.uid ?? '') hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return fit[hash % Math.max(1, fit.length)];
}
