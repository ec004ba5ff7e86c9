import { classOfVolume, parseQuantity, resources } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import { annotated, provisionedBy } from '../persistent-volumes/annotations.ts';
import { localPathProvisioner } from '../local-path/local-path-names.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';

const resizer = 'volume.kubernetes.io/storage-resizer';

/** Hands claims that ask for more than their volume has to the resizer of its driver, by an annotation. */
export async function runVolumeExpandController(context: ControllerContext): Promise<void> {
  const { client, informers, recorder, signal } = context;
  const claims = informers.informer(resources.persistentVolumeClaims);
  const volumes = informers.informer(resources.persistentVolumes);
  const classes = informers.informer(resources.storageClasses);
  const queue = queueFor(context, 'volume_expand');
  const requestOf = (spec: { resources?: { requests?: Record<string, string> | undefined } | undefined } | undefined): string =>
    spec?.resources?.requests?.['storage'] ?? '0';

  onChange(context, claims, (claim, previous, deleted) => {
    if (deleted || !claim.spec?.volumeName) return;
    if (previous === undefined || requestOf(claim.spec) !== requestOf(previous.spec)) queue.add(keyOf(claim));
  });

  async function reconcile(key: string): Promise<void> {
    const claim = claims.lister.get(key);
    const volume = volumes.lister.get(claim?.spec?.volumeName ?? '');
    const have = claim?.status?.capacity?.['storage'];
    if (claim === undefined || volume === undefined || claim.status?.phase !== 'Bound' || have === undefined) return;
    if (parseQuantity(requestOf(claim.spec)).compare(parseQuantity(have)) <= 0) return;
    if (classes.lister.get(classOfVolume(volume))?.allowVolumeExpansion !== true) return;
    if (volume.metadata.annotations?.[provisionedBy] === localPathProvisioner) return;
    const subject = { ref: resources.persistentVolumeClaims, object: claim };
    const driver = volume.spec?.csi?.driver;
    if (driver === undefined) {
      const why = "didn't find a plugin capable of expanding the volume; waiting for an external controller to process this PVC.";
      recorder.event(subject, 'Normal', 'ExternalExpanding', `Ignoring the PVC: ${why}`);
      return;
    }
    if (claim.metadata.annotations?.[resizer] !== driver) {
      const metadata = annotated(claim, { [resizer]: driver });
      await client.update(resources.persistentVolumeClaims, { ...claim, metadata }, { signal });
    }
    recorder.event(subject, 'Normal', 'ExternalExpanding', 'waiting for an external controller to expand this PVC');
  }

  await runController(context, { queue, caches: [claims, volumes, classes], reconcile });
}
