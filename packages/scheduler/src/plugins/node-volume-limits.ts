import { Bitset } from '../framework/bitset.ts';
import { clusterEvents } from '../framework/plugin.ts';
import type { FilterPlugin } from '../framework/plugin.ts';
import type { PodShape } from '../framework/pod-shape.ts';
import type { VolumeView } from '../framework/volumes.ts';

/** A CSI driver's limit of volumes on a node, as its CSINode tells it. */
export const nodeVolumeLimits: FilterPlugin = {
  name: 'NodeVolumeLimits',
  scope: 'cluster',
  events: clusterEvents.assignedPodDelete | clusterEvents.nodeAdd | clusterEvents.storage,
  preFilter: (shape, snapshot) => (handlesOf(shape, snapshot.volumes).length === 0 ? 'skip' : 'run'),
  filter(shape, snapshot, mask) {
    const wanted = handlesOf(shape, snapshot.volumes);
    const full = new Bitset(snapshot.rows);
    mask.candidates.forEach((row) => {
      const drivers = snapshot.volumes.csiNode(snapshot.nameOf(row))?.spec.drivers ?? [];
      for (const driver of drivers) {
        const limit = driver.allocatable?.count;
        const added = wanted.filter((one) => one.driver === driver.name);
        if (limit === undefined || added.length === 0) continue;
        const handles = new Set<string>();
        for (const pod of snapshot.podsOn(row))
          for (const one of handlesOf(pod.shape, snapshot.volumes)) if (one.driver === driver.name) handles.add(one.handle);
        const before = handles.size;
        for (const { handle } of added) handles.add(handle);
        // A volume that is there already costs nothing more.
        if (handles.size > limit && handles.size > before) full.add(row);
      }
    });
    if (!full.isEmpty) mask.reject(full, 'node(s) exceed max volume count', { unresolvable: false });
  },
};

function handlesOf(shape: PodShape, volumes: VolumeView): { readonly driver: string; readonly handle: string }[] {
  return shape.claims.flatMap(({ key }) => {
    const volumeName = volumes.claim(key)?.spec?.volumeName;
    const csi = volumeName ? volumes.volume(volumeName)?.spec?.csi : undefined;
    return csi === undefined ? [] : [{ driver: csi.driver, handle: csi.volumeHandle }];
  });
}
