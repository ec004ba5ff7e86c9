import type { RequestContext } from '../chain/context.ts';
import type { Outcome } from '../chain/outcome.ts';
import { discovery } from '../discovery/discovery.ts';
import type { ServerParts } from '../server-parts.ts';
import { health } from './health.ts';
import { openapi } from './openapi.ts';
import { serviceAccountIssuer } from './service-account-issuer.ts';
import { snapshot, snapshotPath } from './snapshot.ts';
import { version } from './version.ts';

/** Plain paths: discovery, health, version, metrics. Undefined for a path that is none of them. */
export async function dispatchPath(parts: ServerParts, context: RequestContext): Promise<Outcome | undefined> {
  const { path } = context.info;
  const clean = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  if (clean === '/api' || clean === '/apis' || clean.startsWith('/api/') || clean.startsWith('/apis/'))
    return discovery(parts, context, clean);
  if (/^\/(healthz|livez|readyz)(\/|$)/.test(clean)) return health(parts, context, clean);
  if (clean.startsWith('/openapi/')) return openapi(parts, context, clean);
  switch (clean) {
    case '/version':
      return { kind: 'value', status: 200, value: version() };
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
  '/healthz',
  '/livez',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/openid/v1/jwks',
  '/readyz',
  '/version',
];
