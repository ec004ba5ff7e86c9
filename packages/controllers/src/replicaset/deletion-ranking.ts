import type { Pod } from '@bayplan/api';
import { isReady, readyCondition } from '../pods/pod-state.ts';

const costAnnotation = 'controller.kubernetes.io/pod-deletion-cost';
const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/**
 * The pods to lose first: those that are not assigned, not running, not ready, cheap by annotation, on
 * nodes with many `related` pods, ready for a shorter time, restarted more often, younger.
 */
export function podsToDelete(active: readonly Pod[], count: number, related: readonly Pod[], nowMs: number): Pod[] {
  if (count >= active.length) return [...active];
  const perNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec?.nodeName ?? '';
    perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  // Each criterion gives smaller numbers to pods that go first.
  const criteria: ((pod: Pod) => number)[] = [
    (pod) => (pod.spec?.nodeName ? 1 : 0),
    (pod) => phaseRank[pod.status?.phase ?? 'Unknown'] ?? 1,
    (pod) => (isReady(pod) ? 1 : 0),
    (pod) => Number.parseInt(pod.metadata.annotations?.[costAnnotation] ?? '0', 10) || 0,
    (pod) => -(perNode.get(pod.spec?.nodeName ?? '') ?? 0),
    (pod) => (isReady(pod) ? ageBucket(readyCondition(pod)?.lastTransitionTime, nowMs) : 0),
    (pod) => -restarts(pod),
    (pod) => ageBucket(pod.metadata.creationTimestamp, nowMs),
  ];
  const ranked = active.map((pod) => ({ pod, ranks: criteria.map((criterion) => criterion(pod)) }));
  ranked.sort((a, b) => {
    for (let index = 0; index < criteria.length; index++) {
      const difference = (a.ranks[index] ?? 0) - (b.ranks[index] ?? 0);
      if (difference !== 0) return difference;
    }
    return (a.pod.metadata.uid ?? '') < (b.pod.metadata.uid ?? '') ? -1 : 1;
  });
  return ranked.slice(0, count).map(({ pod }) => pod);
}

/** Ages count on a logarithmic scale, so that pods of about the same age are chosen at random. */
function ageBucket(since: string | undefined, nowMs: number): number {
  const ageMs = nowMs - Date.parse(since ?? '');
  return Number.isNaN(ageMs) || ageMs <= 1 ? 0 : Math.floor(Math.log2(ageMs));
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((container) => container.restartCount));
}
