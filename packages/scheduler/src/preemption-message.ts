import type { Pod } from '@bayplan/api';
import type { ClusterCache } from './cache/cluster-cache.ts';
import { Bitset } from './framework/bitset.ts';
import type { Decision } from './placement-core.ts';

/**
 * What a `FailedScheduling` Event says about preemption, in Kubernetes' words. Nothing is preempted
 * yet, so nothing is said of nodes where pods of lower priority run.
 */
export function preemptionMessage(pod: Pod, decision: Extract<Decision, { kind: 'unschedulable' }>, cache: ClusterCache): string {
  const { columns } = cache;
  const nodes = columns.live.size;
  if (nodes === 0) return '';
  const hopeless = new Bitset(columns.rows);
  for (const rejection of decision.rejections) if (rejection.unresolvable) hopeless.union(rejection.nodes);
  const others = columns.live.clone().subtract(hopeless);
  const priority = pod.spec?.priority ?? 0;
  for (const row of others) for (const placed of columns.podsOn(row)) if (placed.shape.priority < priority) return '';
  const parts = [
    ...(hopeless.isEmpty ? [] : [`${hopeless.size} Preemption is not helpful for scheduling`]),
    ...(others.isEmpty ? [] : [`${others.size} No preemption victims found for incoming pod`]),
  ];
  return ` preemption: 0/${nodes} nodes are available: ${parts.sort().join(', ')}.`;
}
