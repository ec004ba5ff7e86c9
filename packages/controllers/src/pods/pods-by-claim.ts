import type { Pod } from '@bayplan/api';
import type { Informer } from '@bayplan/client';

const claimIndex = 'claim';

/** The names of the PersistentVolumeClaims in its namespace that a pod uses, those of ephemeral volumes too. */
export function claimNamesOf(pod: Pod): string[] {
  const names: string[] = [];
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.persistentVolumeClaim !== undefined) names.push(volume.persistentVolumeClaim.claimName);
    else if (volume.ephemeral !== undefined) names.push(`${pod.metadata.name ?? ''}-${volume.name}`);
  }
  return names;
}

function claimKeysOf(pod: Pod): readonly string[] {
  return claimNamesOf(pod).map((name) => `${pod.metadata.namespace ?? ''}/${name}`);
}

/** Makes a pod informer answer `podsOfClaim`. May be called again. */
export function indexByClaim(pods: Informer<Pod>): Informer<Pod> {
  pods.addIndexers({ [claimIndex]: claimKeysOf });
  return pods;
}

/** The cached pods that use a claim, by its `namespace/name`. */
export function podsOfClaim(pods: Informer<Pod>, claimKey: string): readonly Pod[] {
  return pods.lister.byIndex(claimIndex, claimKey);
}
