import type { Toleration } from '@bayplan/api';

export interface TaintLike {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

/** Whether a toleration covers a taint: no key with `Exists` covers all, no effect covers every effect. */
export function tolerates(toleration: Toleration, taint: TaintLike): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  if (toleration.operator === 'Exists') return true;
  if (!toleration.key) return false;
  return (
    (toleration.operator === undefined || toleration.operator === '' || toleration.operator === 'Equal') &&
    (toleration.value ?? '') === taint.value
  );
}
