import type { Clock } from '@bayplan/component-base';
import { CallError } from './json-call.ts';

const attempts = 5;
const firstDelayMs = 500;
const factor = 1.5;

/** Calls again, a little later each time, while the other side does not answer or has trouble of its own. Rejects with the last failure. */
export async function withRetries<T>(clock: Clock, call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  let delayMs = firstDelayMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const mayPass = error instanceof CallError && (error.status === 0 || error.status === 429 || error.status >= 500);
      if (!mayPass || attempt >= attempts) throw error;
    }
    await clock.sleep(delayMs, signal);
    delayMs *= factor;
  }
}
