import { Bitset } from '../framework/bitset.ts';
import { clusterEvents } from '../framework/plugin.ts';
import type { FilterPlugin } from '../framework/plugin.ts';

const zoneLabels = [
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
];

/** Labels of zone and region on a bound volume must fit the node's; a volume in several zones names them joined by `__`. */
export const volumeZone: FilterPlugin = {
  name: 'VolumeZone',
  scope: 'cluster',
  events: clusterEvents.storage | clusterEvents.nodeAdd | clusterEvents.nodeLabel,
  preFilter: (shape) => (shape.claims.length === 0 ? 'skip' : 'run'),
  filter(shape, snapshot, mask) {
    for (const { key } of shape.claims) {
      const volumeName = snapshot.volumes.claim(key)?.spec?.volumeName;
      const labels = volumeName ? (snapshot.volumes.volume(volumeName)?.metadata.labels ?? {}) : {};
      for (const label of zoneLabels) {
        const zones = labels[label]?.split('__');
        if (zones === undefined) continue;
        const inside = new Bitset(snapshot.rows);
        for (const zone of zones) inside.union(snapshot.labelled(label, zone));
        const outside = mask.candidates.clone().subtract(inside);
        if (!outside.isEmpty) mask.reject(outside, 'node(s) had no available volume zone', { unresolvable: true });
      }
    }
  },
};
