import { clusterEvents } from '../framework/plugin.ts';
import type { FilterPlugin } from '../framework/plugin.ts';

/** A claim that one pod only may use (`ReadWriteOncePod`) keeps every other pod from starting. */
export const volumeRestrictions: FilterPlugin = {
  name: 'VolumeRestrictions',
  scope: 'cluster',
  events: clusterEvents.assignedPodDelete | clusterEvents.storage,
  preFilter: (shape) => (shape.claims.length === 0 ? 'skip' : 'run'),
  filter(shape, snapshot, mask) {
    const exclusive = new Set(
      shape.claims.map(({ key }) => key).filter((key) => snapshot.volumes.claim(key)?.spec?.accessModes?.includes('ReadWriteOncePod')),
    );
    if (exclusive.size === 0) return;
    for (const row of snapshot.live) {
      for (const pod of snapshot.podsOn(row)) {
        if (!pod.shape.claims.some(({ key }) => exclusive.has(key))) continue;
        const reason = 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode';
        mask.reject(mask.candidates, reason, { unresolvable: false });
        return;
      }
    }
  },
};
