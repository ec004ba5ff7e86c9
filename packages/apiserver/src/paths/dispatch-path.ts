import type { RequestContext } from '../chain/context.ts';
import type { Outcome } from '../chain/outcome.ts';
import { discovery } from '../discovery/discovery.ts';
import { dump, dumpPath } from '../flowcontrol/dumps.ts';
import type { ServerParts } from '../server-parts.ts';
import { health } from './health.ts';
import { openapi } from './openapi.ts';
import { serviceAccountIssuer } from './service-account-issuer.ts';
import { flagz, statusz } from './component-pages.ts';
import { snapshot, snapshotPath } from './snapshot.ts';
import { version } from './version.ts';

/** Plain paths: discovery, health, version, metrics. Undefined for a path that is none of them. */
export async function dispatchPath(parts: ServerParts, context: RequestContext): Promise<Outcome | undefined> {
  const { path } = context.info;
  const clean = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  if (clean === '/api' || clean === '/apis' || clean.startsWith('/api/') || clean.startsWith('/apis/'))
    return discovery(parts, context, clean);
  if (/^\/(healthz|livez|readyz)(\/|$)/.test(clean)) return health(parts, context, clean);
  if (clean.startsWith(dumpPath)) {
    const text = dump(parts.flows, clean.slice(dumpPath.length));
    return text === undefined
      ? undefined
      : { kind: 'bytes', status: 200, contentType: 'text/plain; charset=utf-8', bytes: Buffer.from(text) };
  }
  if ((clean === '/debug/pprof' || clean.startsWith('/debug/pprof/')) && parts.options.profiling !== false) {
    const { profiles } = await import('./profiles.ts');
    return profiles(parts, context, clean.slice('/debug/pprof/'.length));
  }
  if (clean.startsWith('/openapi/')) return openapi(parts, context, clean);
  switch (clean) {
    case '/version':
      return { kind: 'value', status: 200, value: version() };
    case '/metrics/slis':
      return { kind: 'bytes', status: 200, contentType: parts.sliMetrics.contentType, bytes: Buffer.from(await parts.sliMetrics.text()) };
    case '/statusz':
      return statusz(parts, rootPaths);
    case '/flagz':
      return flagz(parts);
    case '/metrics':
      return {
        kind: 'bytes',
        status: 200,
        contentType: parts.options.metrics.contentType,
        bytes: Buffer.from(await parts.options.metrics.metrics()),
      };
    case snapshotPath:
      return snapshot(parts, context);
    case '/':
      return { kind: 'value', status: 200, value: { paths: rootPaths } };
    default:
      return serviceAccountIssuer(parts, clean);
  }
}

const rootPaths = [
  '/api',
  '/api/v1',
  '/apis',
  snapshotPath,
  '/debug/api_priority_and_fairness/dump_priority_levels',
  '/debug/api_priority_and_fairness/dump_queues',
  '/debug/api_priority_and_fairness/dump_requests',
  '/debug/pprof/',
  '/flagz',
  '/healthz',
  '/livez',
  '/metrics',
  '/metrics/slis',
  '/openapi/v2',
  '/openapi/v3',
  '/openid/v1/jwks',
  '/readyz',
  '/statusz',
  '/version',
];
