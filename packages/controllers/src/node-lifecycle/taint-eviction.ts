import type { Pod, Taint } from '@bayplan/api';

/**
 * How long a pod may stay on a node with these taints: undefined for ever, 0 not at all. Counted from when
 * the pod's taints were first seen. A taint is tolerated for the shortest of the times that its tolerations
 * give, for ever when none gives one.
 */
export function evictionDelayMs(pod: Pod, taints: readonly Taint[]): number | undefined {
  let delayMs: number | undefined;
  for (const taint of taints) {
    if (taint.effect !== 'NoExecute') continue;
    const matching = (pod.spec?.tolerations ?? []).filter(
      (toleration) =>
        (!toleration.effect || toleration.effect === taint.effect) &&
        (!toleration.key ? toleration.operator === 'Exists' : toleration.key === taint.key) &&
        (toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '')),
    );
    if (matching.length === 0) return 0;
    for (const { tolerationSeconds } of matching) {
      if (tolerationSeconds !== undefined) delayMs = Math.min(delayMs ?? Infinity, Math.max(0, tolerationSeconds * 1000));
    }
  }
  return delayMs;
}
