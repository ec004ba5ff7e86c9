import type { RejectionCount } from './filter-pass.ts';

/**
 * The text of a `FailedScheduling` Event, as Kubernetes writes it: `0/3 nodes are available: 1
 * Insufficient cpu, 2 node(s) were unschedulable.`, reasons in the order of their text.
 */
export function fitMessage(nodeCount: number, rejections: readonly RejectionCount[]): string {
  if (nodeCount === 0) return 'no nodes available to schedule pods';
  const ofPod = rejections.find((rejection) => rejection.ofPod);
  if (ofPod !== undefined) return `0/${nodeCount} nodes are available: ${ofPod.reason}.`;
  const counts = new Map<string, number>();
  for (const { reason, nodes } of rejections) counts.set(reason, (counts.get(reason) ?? 0) + nodes.size);
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return parts.length === 0 ? `0/${nodeCount} nodes are available.` : `0/${nodeCount} nodes are available: ${parts.join(', ')}.`;
}
