import { classOfClaim, findVolume } from '@bayplan/api';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '@bayplan/api';
import { Bitset } from '../framework/bitset.ts';
import { clusterEvents } from '../framework/plugin.ts';
import type { FilterPlugin } from '../framework/plugin.ts';
import type { Snapshot } from '../framework/snapshot.ts';
import { selectedNode } from '../framework/volumes.ts';
import { claimsOfShape } from './claims-of-shape.ts';
import type { ShapeClaims } from './claims-of-shape.ts';
import { nodesOfTerm } from './node-selector-terms.ts';

const name = 'VolumeBinding';

/** Rules out nodes that cannot reach a pod's volumes, or where no volume can be found or made for its claims. */
export const volumeBinding: FilterPlugin = {
  name,
  scope: 'cluster',
  events: clusterEvents.storage | clusterEvents.nodeAdd | clusterEvents.nodeLabel,
  preFilter(shape, snapshot, state) {
    if (shape.claims.length === 0) return 'skip';
    state.set(name, claimsOfShape(shape, snapshot.volumes));
    return 'run';
  },
  filter(_shape, snapshot, mask, state) {
    const claims = state.get(name) as ShapeClaims;
    if (claims.fault !== undefined) {
      mask.reject(mask.candidates, claims.fault, { unresolvable: true, ofPod: true });
      return;
    }
    for (const { volume } of claims.bound) {
      if (volume === undefined) {
        const reason = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)';
        mask.reject(mask.candidates, reason, { unresolvable: true });
        return;
      }
      const outside = mask.candidates.clone().subtract(nodesOfVolume(volume, snapshot));
      if (!outside.isEmpty) mask.reject(outside, "node(s) didn't match PersistentVolume's node affinity", { unresolvable: true });
    }
    if (claims.delayed.length === 0) return;
    const without = new Bitset(snapshot.rows);
    mask.candidates.forEach((row) => {
      if (chooseVolumes(claims.delayed, row, snapshot) === undefined) without.add(row);
    });
    if (!without.isEmpty) mask.reject(without, "node(s) didn't find available persistent volumes to bind", { unresolvable: true });
  },
};

/** What shall become of a claim when its pod goes to a node: a volume that exists, or one to be made. */
export interface VolumeChoice {
  readonly claim: PersistentVolumeClaim;
  /** Undefined: the provisioner of the claim's class makes one. */
  readonly volume: PersistentVolume | undefined;
}

/** The volumes for claims of a pod on a node; undefined when one of them can get none there. */
export function chooseVolumes(claims: readonly PersistentVolumeClaim[], row: number, snapshot: Snapshot): VolumeChoice[] | undefined {
  const { volumes } = snapshot;
  const taken = new Set(volumes.taken);
  const choices: VolumeChoice[] = [];
  for (const claim of claims) {
    // A provisioner is at work for this node already.
    const promised = claim.metadata.annotations?.[selectedNode];
    if (promised !== undefined && promised !== snapshot.nameOf(row)) return undefined;
    const reachable = volumes.candidates(claim).filter((volume) => nodesOfVolume(volume, snapshot).has(row));
    const volume = promised === undefined ? findVolume(claim, reachable, { taken }) : undefined;
    if (volume !== undefined) taken.add(volume.metadata.name ?? '');
    else if (!canProvision(volumes.storageClass(classOfClaim(claim)), row, snapshot)) return undefined;
    choices.push({ claim, volume });
  }
  return choices;
}

function canProvision(storageClass: StorageClass | undefined, row: number, snapshot: Snapshot): boolean {
  if (storageClass === undefined || storageClass.provisioner === 'kubernetes.io/no-provisioner') return false;
  const terms = storageClass.allowedTopologies ?? [];
  if (terms.length === 0) return true;
  return terms.some((term) =>
    (term.matchLabelExpressions ?? []).every(({ key, values }) => values.includes(snapshot.labelOf(row, key) ?? '')),
  );
}

/** The nodes that a volume's node affinity allows. */
function nodesOfVolume(volume: PersistentVolume, snapshot: Snapshot): Bitset {
  const terms = volume.spec?.nodeAffinity?.required?.nodeSelectorTerms;
  if (terms === undefined) return snapshot.live;
  const nodes = new Bitset(snapshot.rows);
  for (const term of terms) nodes.union(nodesOfTerm(term, snapshot));
  return nodes;
}
