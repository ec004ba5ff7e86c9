import type { Container, Pod } from './generated/types.ts';
import { isQuantity, parseQuantity } from './quantity.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const counted = ['cpu', 'memory'] as const;

function amountOf(amounts: Readonly<Record<string, string>> | undefined, name: string): bigint {
  const text = amounts?.[name];
  return text !== undefined && isQuantity(text) ? parseQuantity(text).nanos : 0n;
}

/**
 * What a pod can count on when its node is short. Guaranteed: everything limits CPU and memory to what
 * it requests. BestEffort: nothing asks for any. Burstable: the rest. Resources of the pod as a whole,
 * where it names some, decide alone.
 */
export function qosClassOf(pod: Pod): QosClass {
  const resources = pod.spec?.resources;
  const whole = resources !== undefined;
  // A list that was not sent is null in a decoded object.
  const regular = (pod.spec?.containers as readonly Container[] | null | undefined) ?? [];
  const parts = whole ? [{ resources }] : [...regular, ...(pod.spec?.initContainers ?? [])];
  let any = false;
  let all = true;
  for (const { resources: own } of parts) {
    for (const name of counted) {
      const limit = amountOf(own?.limits, name);
      const request = own?.requests?.[name] === undefined ? limit : amountOf(own.requests, name);
      if (request > 0n || limit > 0n) any = true;
      if (limit <= 0n || request !== limit) all = false;
    }
  }
  if (!any) return 'BestEffort';
  return all ? 'Guaranteed' : 'Burstable';
}
