import type { Authenticator } from '../authentication/authenticator.ts';
import type { Step } from './chain.ts';

/** Step 1: who is it? Answers 401 for credentials that are wrong. */
export function authenticate(authenticator: Authenticator): Step {
  return async (context, next) => {
    context.user = await authenticator.authenticate(context.request);
    return next();
  };
}
