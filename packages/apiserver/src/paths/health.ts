import type { RequestContext } from '../chain/context.ts';
import type { Outcome } from '../chain/outcome.ts';
import type { ServerParts } from '../server-parts.ts';

interface Check {
  readonly name: string;
  run(parts: ServerParts): Promise<void>;
}

const done = (): Promise<void> => Promise.resolve();
const ping: Check = { name: 'ping', run: done };
const log: Check = { name: 'log', run: done };
const store = async (parts: ServerParts): Promise<void> => void (await parts.options.store.currentRevision());
const etcd: Check = { name: 'etcd', run: store };
const etcdReadiness: Check = { name: 'etcd-readiness', run: store };
const informers: Check = { name: 'informer-sync', run: async (parts) => void (await parts.hub.caughtUp()) };
/** What a server does before it answers at all: whoever can ask finds it done. */
const hooks: readonly Check[] = [
  'start-apiserver-admission-initializer',
  'generic-apiserver-start-informers',
  'priority-and-fairness-config-consumer',
  'priority-and-fairness-filter',
  'rbac/bootstrap-roles',
  'scheduling/bootstrap-system-priority-classes',
  'priority-and-fairness-config-producer',
  'bootstrap-controller',
].map((name) => ({ name: `poststarthook/${name}`, run: done }));
const shutdown: Check = {
  name: 'shutdown',
  run: ({ lifecycle }) => (lifecycle.stopping ? Promise.reject(new Error('process is shutting down')) : done()),
};

const checks: Readonly<Record<string, readonly Check[]>> = {
  healthz: [ping, log, etcd, ...hooks],
  livez: [ping, log, etcd, ...hooks],
  readyz: [ping, log, etcd, etcdReadiness, informers, ...hooks, shutdown],
};

/** `/healthz`, `/livez` and `/readyz`, with `?verbose`, `?exclude=` and single checks below them. */
export async function health(parts: ServerParts, context: RequestContext, path: string): Promise<Outcome | undefined> {
  const [, endpoint = '', ...rest] = path.split('/');
  const name = rest.join('/');
  const all = checks[endpoint] ?? [];
  if (name !== '') {
    const check = all.find((one) => one.name === name);
    return check === undefined ? undefined : answer(await single(parts, endpoint, check), 'ok');
  }
  const excluded = new Set(context.request.query.getAll('exclude'));
  const lines: string[] = [];
  let failed = false;
  for (const check of all) {
    if (excluded.delete(check.name)) {
      lines.push(`[+]${check.name} excluded: ok`);
      continue;
    }
    const fault = await single(parts, endpoint, check);
    if (fault === undefined) lines.push(`[+]${check.name} ok`);
    else {
      failed = true;
      lines.push(`[-]${check.name} failed: reason withheld`);
    }
  }
  if (excluded.size > 0) {
    const unmatched = [...excluded].map((one) => JSON.stringify(one)).join(',');
    lines.push(`warn: some health checks cannot be excluded: no matches for ${unmatched}`);
  }
  const verbose = context.request.query.has('verbose');
  if (failed) return text(500, `${lines.join('\n')}\n${endpoint} check failed\n`);
  return text(200, verbose ? `${lines.join('\n')}\n${endpoint} check passed\n` : 'ok');
}

/** Runs one check and counts what came of it. */
async function single(parts: ServerParts, endpoint: string, check: Check): Promise<Error | undefined> {
  try {
    await check.run(parts);
    parts.sliMetrics.seen(check.name, endpoint, true);
    return undefined;
  } catch (error) {
    parts.sliMetrics.seen(check.name, endpoint, false);
    // While the server stops this is no news.
    if (check !== shutdown) parts.options.logger.warn('Health check failed', { err: error, check: check.name });
    return error as Error;
  }
}

function answer(fault: Error | undefined, good: string): Outcome {
  return fault === undefined ? text(200, good) : text(500, `internal server error: ${fault.message}\n`);
}

function text(status: number, body: string): Outcome {
  return {
    kind: 'bytes',
    status,
    contentType: 'text/plain; charset=utf-8',
    bytes: Buffer.from(body),
    headers: { 'x-content-type-options': 'nosniff' },
  };
}
