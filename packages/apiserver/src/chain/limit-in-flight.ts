import { tooManyRequests } from '@bayplan/api';
import { isResourceContext } from './context.ts';
import type { RequestContext } from './context.ts';
import type { Step } from './chain.ts';
import { superuserGroup } from './user.ts';

const longRunningSubresources = new Set(['exec', 'attach', 'portforward', 'proxy', 'log']);
const reading = new Set(['get', 'list', 'watch']);

/** Watches, streams and tunnels: they last as long as their client wants. */
export function isLongRunning(context: RequestContext): boolean {
  return isResourceContext(context) && (context.info.verb === 'watch' || longRunningSubresources.has(context.info.subresource));
}

/**
 * Step 4: bounds the requests that run at once, reading and writing apart. Administrators and
 * loopbacks, without which the cluster could not recover, are exempt.
 */
export function limitInFlight(limits: { readonly readOnly: number; readonly mutating: number }): Step {
  const running = { readOnly: 0, mutating: 0 };
  return async (context, next) => {
    if (isLongRunning(context) || context.request.peer.kind === 'loopback' || context.user.groups.includes(superuserGroup)) return next();
    const kind = reading.has(context.info.verb) ? 'readOnly' : 'mutating';
    if (running[kind] >= limits[kind]) throw tooManyRequests('too many requests, please try again later', 1);
    running[kind]++;
    try {
      return await next();
    } finally {
      running[kind]--;
    }
  };
}
