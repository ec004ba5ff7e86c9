import { badRequest, parseDuration, timeout } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import type { Step } from './chain.ts';
import { isLongRunning } from './long-running.ts';

/**
 * Ends requests that take too long with 504: after `maxMs`, or sooner when `?timeout=` says so. What was begun is told
 * by the request's signal. Watches, streams and calls inside this process have no end of their own.
 */
export function deadline(maxMs: number, clock: Clock): Step {
  return (context, next) => {
    const { request } = context;
    if (request.peer.kind === 'loopback' || isLongRunning(context)) return next();
    const limitMs = limitOf(request.query.get('timeout'), maxMs);
    return new Promise((resolve, reject) => {
      const timer = clock.after(limitMs, () => {
        const error = timeout('request did not complete within requested timeout - context deadline exceeded');
        request.expire?.(error);
        reject(error);
      });
      next().then(
        (outcome) => {
          timer.cancel();
          resolve(outcome);
        },
        (error: unknown) => {
          timer.cancel();
          reject(error as Error);
        },
      );
    });
  };
}

/** The client's own limit, when it is one and below ours. Throws `BadRequest` for what is no duration. */
function limitOf(text: string | null, maxMs: number): number {
  if (text === null || text === '') return maxMs;
  const asked = parseDuration(text);
  if (asked === undefined)
    throw badRequest(`invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(text)}`);
  return asked > 0 && asked < maxMs ? asked : maxMs;
}
