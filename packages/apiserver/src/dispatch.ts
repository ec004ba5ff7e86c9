import type { RequestContext } from './chain/context.ts';
import { isResourceContext } from './chain/context.ts';
import type { Outcome } from './chain/outcome.ts';
import { dispatchPath } from './paths/dispatch-path.ts';
import { dispatchResource } from './registry/dispatch.ts';
import type { ServerParts } from './server-parts.ts';
import { UnknownPath } from './unknown-path.ts';

/** The end of the chain: an object of the API, or one of the plain paths. */
export async function dispatch(parts: ServerParts, context: RequestContext): Promise<Outcome> {
  const handedOn = context.info.path.startsWith('/api/') ? undefined : await parts.aggregator.dispatch(context);
  if (handedOn !== undefined) return handedOn;
  if (isResourceContext(context)) return dispatchResource(parts.verbs, parts.specials, context);
  const outcome = await dispatchPath(parts, context);
  if (outcome === undefined) throw new UnknownPath();
  return outcome;
}
