import { clusterEvents } from '../framework/plugin.ts';
import type { FilterPlugin } from '../framework/plugin.ts';
import { tolerates } from './tolerations.ts';

const cordonTaint = { key: 'node.kubernetes.io/unschedulable', value: '', effect: 'NoSchedule' };

/** Keeps pods off cordoned nodes, unless they tolerate that. */
export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  scope: 'node',
  events: clusterEvents.nodeAdd | clusterEvents.nodeTaint,
  preFilter: (shape) => (shape.tolerations.some((toleration) => tolerates(toleration, cordonTaint)) ? 'skip' : 'run'),
  filter: (_shape, snapshot, mask) => mask.reject(snapshot.unschedulable, 'node(s) were unschedulable', { unresolvable: true }),
};
