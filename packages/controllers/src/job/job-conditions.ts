import type { JobCondition } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { JobEnding } from './job-ending.ts';

export interface ConditionChange {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** Sets a condition; one that is `False` is only set where it was there before. The same list when nothing changes. */
export function withCondition(conditions: readonly JobCondition[], change: ConditionChange, nowMs: number): readonly JobCondition[] {
  const before = conditions.find((condition) => condition.type === change.type);
  if (before === undefined && change.status === 'False') return conditions;
  if (before?.status === change.status && before.reason === change.reason && before.message === change.message) return conditions;
  const now = timestamp(nowMs);
  const next: JobCondition = {
    ...change,
    lastProbeTime: now,
    lastTransitionTime: before?.status === change.status ? (before.lastTransitionTime ?? now) : now,
  };
  return before === undefined ? [...conditions, next] : conditions.map((condition) => (condition === before ? next : condition));
}

/** Says that the Job is to end, and, when `over`, that it has. */
export function withEnding(conditions: readonly JobCondition[], ending: JobEnding, over: boolean, nowMs: number): readonly JobCondition[] {
  const { success, reason, message } = ending;
  const set = (list: readonly JobCondition[], type: string) => withCondition(list, { type, status: 'True', reason, message }, nowMs);
  const decided = set(conditions, success ? 'SuccessCriteriaMet' : 'FailureTarget');
  return over ? set(decided, success ? 'Complete' : 'Failed') : decided;
}
