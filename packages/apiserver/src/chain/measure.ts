import { statusOf } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import type { ApiServerMetrics } from '../metrics.ts';
import type { Step } from './chain.ts';
import type { RequestContext } from './context.ts';
import { isLongRunning } from './long-running.ts';

const writes = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** Step 0: counts and times every request, under Kubernetes' labels. */
export function measure(metrics: ApiServerMetrics, clock: Clock): Step {
  return async (context, next) => {
    const labels = labelsOf(context);
    const dryRun = context.request.query.getAll('dryRun').includes('All') ? 'All' : '';
    const kind = writes.has(context.info.verb) ? 'mutating' : 'readOnly';
    const longRunning = isLongRunning(context);
    const startMs = clock.monotonic();
    if (longRunning) {
      metrics.longRunning.inc(labels);
      context.request.signal.addEventListener('abort', () => metrics.longRunning.dec(labels), { once: true });
    } else metrics.inFlight.inc({ request_kind: kind });
    let code = 200;
    try {
      const outcome = await next();
      if ('status' in outcome) code = outcome.status;
      return outcome;
    } catch (error) {
      code = statusOf(error)?.code ?? 500;
      throw error;
    } finally {
      metrics.requestTotal.inc({ ...labels, dry_run: dryRun, code: code.toString() });
      if (!longRunning) {
        metrics.inFlight.dec({ request_kind: kind });
        metrics.requestDuration.observe({ ...labels, dry_run: dryRun }, (clock.monotonic() - startMs) / 1000);
      }
    }
  };
}

/** Only resources that are served become labels, so that nobody can make up new ones. */
function labelsOf(context: RequestContext) {
  const { info } = context;
  if (!info.isResource || !context.knownResource) {
    return { verb: info.method, group: '', version: '', resource: '', subresource: '', scope: '', component: 'apiserver' };
  }
  const scope = info.name !== '' ? 'resource' : info.namespace !== '' ? 'namespace' : 'cluster';
  const { group, version, resource, subresource } = info;
  return { verb: verbLabel(info.verb), group, version, resource, subresource, scope, component: 'apiserver' };
}

function verbLabel(verb: string): string {
  switch (verb) {
    case 'create':
      return 'POST';
    case 'update':
      return 'PUT';
    default:
      return verb.toUpperCase();
  }
}
