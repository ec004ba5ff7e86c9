import { classOfClaim, resources } from '@bayplan/api';
import type { PersistentVolumeClaim } from '@bayplan/api';
import { annotated, oldStorageProvisioner, storageProvisioner } from './annotations.ts';
import type { Binder } from './binder.ts';
import { setClaimStatus } from './binder.ts';

/** Hands a claim to the provisioner of its class: by an annotation that provisioners watch for. */
export async function provision(binder: Binder, claim: PersistentVolumeClaim): Promise<void> {
  const className = classOfClaim(claim);
  const storageClass = binder.classes.lister.get(className);
  if (storageClass === undefined) {
    binder.claimEvent(claim, 'Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io ${JSON.stringify(className)} not found`);
    return setClaimStatus(binder, claim, 'Pending');
  }
  const { provisioner } = storageClass;
  // The drivers that Kubernetes once had built in: none is left.
  if (provisioner.startsWith('kubernetes.io/')) {
    binder.claimEvent(claim, 'Warning', 'ProvisioningFailed', `no volume plugin matched name: ${provisioner}`);
    return setClaimStatus(binder, claim, 'Pending');
  }
  const { client, signal } = binder.context;
  let marked = claim;
  if (claim.metadata.annotations?.[storageProvisioner] !== provisioner) {
    const metadata = annotated(claim, { [storageProvisioner]: provisioner, [oldStorageProvisioner]: provisioner });
    marked = await client.update(resources.persistentVolumeClaims, { ...claim, metadata }, { signal });
  }
  binder.claimEvent(
    marked,
    'Normal',
    'ExternalProvisioning',
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`,
  );
  await setClaimStatus(binder, marked, 'Pending');
}
