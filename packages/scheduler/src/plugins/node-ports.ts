import { Bitset } from '../framework/bitset.ts';
import { clusterEvents } from '../framework/plugin.ts';
import type { FilterPlugin } from '../framework/plugin.ts';

const anyAddress = '0.0.0.0';

/** Keeps pods that want the same host port apart. A port on all addresses collides with one on any. */
export const nodePorts: FilterPlugin = {
  name: 'NodePorts',
  scope: 'node',
  events: clusterEvents.nodeAdd | clusterEvents.assignedPodDelete,
  preFilter: (shape) => (shape.hostPorts.length === 0 ? 'skip' : 'run'),
  filter(shape, snapshot, mask) {
    const taken = new Bitset(snapshot.rows);
    for (const wanted of shape.hostPorts) {
      for (const [ip, holders] of snapshot.portHolders(wanted.protocol, wanted.port)) {
        if (ip === wanted.ip || ip === anyAddress || wanted.ip === anyAddress) taken.union(holders);
      }
    }
    mask.reject(taken, "node(s) didn't have free ports for the requested pod ports", { unresolvable: false });
  },
};
