import { statusOf } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import type { RequestMetrics, RequestSeries } from '../metrics.ts';
import { deprecations } from '../registry/deprecations.ts';
import type { Step } from './chain.ts';
import type { RequestContext } from './context.ts';
import { isLongRunning } from './long-running.ts';

const writes = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** Step 0: counts and times every request, under Kubernetes' labels. */
export function measure(metrics: RequestMetrics, clock: Clock): Step {
  return async (context, next) => {
    const series = seriesOf(metrics, context);
    const kind = writes.has(context.info.verb) ? 'mutating' : 'readOnly';
    const longRunning = isLongRunning(context);
    const { peer } = context.request;
    if (peer.kind === 'certificate') metrics.certificateSeconds.add((peer.notAfterMs - clock.now()) / 1000);
    const startMs = clock.monotonic();
    if (longRunning) {
      series.open++;
      context.request.signal.addEventListener('abort', () => series.open--, { once: true });
    } else metrics.inFlight[kind]++;
    let code = 200;
    try {
      const outcome = await next();
      if ('status' in outcome) code = outcome.status;
      return outcome;
    } catch (error) {
      code = statusOf(error)?.code ?? 500;
      throw error;
    } finally {
      series.codes.set(code, (series.codes.get(code) ?? 0) + 1);
      if (!longRunning) {
        metrics.inFlight[kind]--;
        const seconds = (clock.monotonic() - startMs) / 1000;
        series.duration.add(seconds);
        series.sli.add(seconds);
      }
    }
  };
}

/** Only resources that are served become labels, so that nobody can make up new ones. */
function seriesOf(metrics: RequestMetrics, context: RequestContext): RequestSeries {
  const { info } = context;
  const dryRun = info.verb !== 'get' && writes.has(info.verb) && context.request.query.getAll('dryRun').includes('All') ? 'All' : '';
  if (!info.isResource || !context.knownResource || context.isStray === true) {
    const labels = { verb: info.method, group: '', version: '', resource: '', subresource: '', scope: '', component: 'apiserver' };
    return metrics.seriesOf(`${info.method} ${dryRun}`, () => ({ labels, dryRun, deprecated: false }));
  }
  const scope = info.name !== '' ? 'resource' : info.namespace !== '' ? 'namespace' : 'cluster';
  const { group, version, resource, subresource } = info;
  return metrics.seriesOf(`${info.verb} ${group}/${version}/${resource}/${subresource} ${scope} ${dryRun}`, () => ({
    labels: { verb: verbLabel(info.verb), group, version, resource, subresource, scope, component: 'apiserver' },
    dryRun,
    deprecated: deprecations[`${group}/${version}/${resource}`] !== undefined,
  }));
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
