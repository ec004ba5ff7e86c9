import type { LabelSelector } from '@bayplan/api';

/** Whether a selector asks for nothing, so that a workload would take every pod of its namespace. */
export function selectsEverything(selector: LabelSelector | undefined): boolean {
  const { matchLabels, matchExpressions } = selector ?? {};
  return Object.keys(matchLabels ?? {}).length === 0 && (matchExpressions ?? []).length === 0;
}
