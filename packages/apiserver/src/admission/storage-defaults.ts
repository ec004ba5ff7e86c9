import type { KubeObject, PersistentVolumeClaim, StorageClass } from '@bayplan/api';
import { parseQuantity } from '@bayplan/api';
import type { Registry } from '../registry/registry.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { refuse } from './admission.ts';
import { defaultClassOf } from './default-class.ts';

const defaultClass = 'storageclass.kubernetes.io/is-default-class';
const betaClassAnnotation = 'volume.beta.kubernetes.io/storage-class';
const finalizers: Readonly<Record<string, string>> = {
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  persistentvolumes: 'kubernetes.io/pv-protection',
  volumeattributesclasses: 'kubernetes.io/vac-protection',
};

function isClaim({ resource, subresource }: AdmissionRequest): boolean {
  return resource.group === '' && resource.resource === 'persistentvolumeclaims' && subresource === '';
}

/** Claims that name no class get the default one: of several the newest. */
export function defaultStorageClass(registry: Registry): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    async mutate(request) {
      if (!isClaim(request) || request.operation !== 'CREATE') return;
      const claim = request.object as PersistentVolumeClaim;
      if (claim.metadata.annotations?.[betaClassAnnotation] !== undefined || claim.spec === undefined) return;
      if (claim.spec.storageClassName !== undefined && claim.spec.storageClassName !== null) return;
      const found = await defaultClassOf(registry, 'storage.k8s.io', 'storageclasses', defaultClass);
      if (found !== undefined) claim.spec.storageClassName = found;
    },
  };
}

/** Claims and volumes stay as long as something uses them: controllers take these finalizers away. */
export const storageProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  mutate({ resource, operation, subresource, object }) {
    if (operation !== 'CREATE' || subresource !== '' || object === undefined) return;
    const finalizer = finalizers[resource.resource];
    if (finalizer === undefined || (resource.group !== '' && resource.group !== 'storage.k8s.io')) return;
    const present = object.metadata.finalizers ?? [];
    if (!present.includes(finalizer)) object.metadata.finalizers = [...present, finalizer];
  },
};

/** A claim grows only when it is bound and its class allows it. */
export function claimResize(registry: Registry): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    async validate(request) {
      if (!isClaim(request) || request.operation !== 'UPDATE') return;
      const claim = request.object as PersistentVolumeClaim;
      const old = request.old as PersistentVolumeClaim;
      if (storageOf(claim).compare(storageOf(old)) <= 0) return;
      if (old.status?.phase !== 'Bound') throw refuse(request, 'Only bound persistent volume claims can be expanded');
      const name = claim.metadata.annotations?.[betaClassAnnotation] ?? claim.spec?.storageClassName ?? '';
      const found = name === '' ? undefined : await registry.stored('storage.k8s.io', 'v1', 'storageclasses').storage.find('', name);
      if ((found?.object as (StorageClass & KubeObject) | undefined)?.allowVolumeExpansion === true) return;
      throw refuse(
        request,
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
      );
    },
  };
}

function storageOf(claim: PersistentVolumeClaim) {
  return parseQuantity(claim.spec?.resources?.requests?.['storage'] ?? '0');
}
