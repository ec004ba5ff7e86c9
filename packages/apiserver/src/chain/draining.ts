import { statusError } from '@bayplan/api';
import type { Step } from './chain.ts';

/** How far a server has come with its end. */
export class Lifecycle {
  /** Since the server was told to stop: it is not ready any more, but still answers. */
  stopping = false;
  /** New requests are refused, those under way go on. */
  draining = false;
}

const retryAfterSeconds = 1;

/** First of all: clients that come when the server no longer takes requests are told to come back, and will find another. */
export function refuseWhileDraining(lifecycle: Lifecycle): Step {
  return (context, next) => {
    if (!lifecycle.draining || context.request.peer.kind === 'loopback') return next();
    const message = 'The apiserver is shutting down, please try again later.';
    return Promise.reject(statusError(429, 'TooManyRequests', message, { retryAfterSeconds }));
  };
}
