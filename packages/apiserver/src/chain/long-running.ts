import { isResourceContext } from './context.ts';
import type { RequestContext } from './context.ts';

/** Profiles take as long as they are asked to. */
const profilesPath = '/debug/pprof/';
const longRunningSubresources = new Set(['exec', 'attach', 'portforward', 'proxy', 'log']);

/** Watches, streams and tunnels: they last as long as their client wants. */
export function isLongRunning(context: RequestContext): boolean {
  return isResourceContext(context)
    ? context.info.verb === 'watch' || longRunningSubresources.has(context.info.subresource)
    : context.info.path.startsWith(profilesPath);
}
