import type { Pod, Service } from '@bayplan/api';
import { readyCondition } from '../pods/pod-state.ts';

/**
 * When what made a Service's endpoints change happened: the earliest change since its slices were written last.
 * Monitoring measures by it how long endpoints take to arrive.
 */
export class TriggerTimes {
  readonly #earliest = new Map<string, string>();

  /** @param at RFC 3339 in UTC, whole seconds. */
  note(key: string, at: string | undefined): void {
    const known = this.#earliest.get(key);
    if (at !== undefined && (known === undefined || at < known)) this.#earliest.set(key, at);
  }

  take(key: string): string | undefined {
    const at = this.#earliest.get(key);
    this.#earliest.delete(key);
    return at;
  }
}

/** When a pod last became ready or unready, else when it was made. */
export function triggerTimeOfPod(pod: Pod): string | undefined {
  return readyCondition(pod)?.lastTransitionTime ?? pod.metadata.creationTimestamp;
}

/** When a new Service was made. Changes of Services carry no time. */
export function triggerTimeOfService(service: Service, isNew: boolean): string | undefined {
  return isNew ? service.metadata.creationTimestamp : undefined;
}
