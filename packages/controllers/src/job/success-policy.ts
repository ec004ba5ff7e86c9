import type { Job } from '@bayplan/api';
import { IndexSet } from './index-set.ts';

/** Why a Job may end early with success: the text of the first rule that holds, or undefined. */
export function metSuccessRule(job: Job, succeeded: IndexSet): string | undefined {
  const limit = job.spec?.completions ?? 0;
  for (const [index, { succeededIndexes, succeededCount }] of (job.spec?.successPolicy?.rules ?? []).entries()) {
    const wanted = succeededIndexes === undefined ? undefined : IndexSet.parse(succeededIndexes, limit);
    const there = wanted === undefined ? succeeded.size : succeeded.common(wanted);
    const needed = succeededCount ?? wanted?.size;
    if (needed !== undefined && there >= needed) return `Matched rules at index ${String(index)}`;
  }
  return undefined;
}
