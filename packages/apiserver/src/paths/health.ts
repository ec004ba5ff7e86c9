import type { RequestContext } from '../chain/context.ts';
import type { Outcome } from '../chain/outcome.ts';
import type { ServerParts } from '../server-parts.ts';

interface Check {
  readonly name: string;
  run(parts: ServerParts): Promise<void>;
}

const ping: Check = { name: 'ping', run: () => Promise.resolve() };
const store: Check = {
  name: 'etcd',
  run: async (parts) => void (await parts.options.store.currentRevision()),
};
const watch: Check = { name: 'informer-sync', run: async (parts) => void (await parts.hub.caughtUp()) };

const checks: Readonly<Record<string, readonly Check[]>> = {
  healthz: [ping, store],
  livez: [ping, store],
  readyz: [ping, store, watch],
};

/** `/healthz`, `/livez` and `/readyz`, with `?verbose`, `?exclude=` and single checks below them. */
export async function health(parts: ServerParts, context: RequestContext, path: string): Promise<Outcome | undefined> {
  const [, endpoint = '', name] = path.split('/');
  const excluded = new Set(context.request.query.getAll('exclude'));
  const wanted = (checks[endpoint] ?? []).filter((check) => (name === undefined ? !excluded.has(check.name) : check.name === name));
  if (name !== undefined && wanted.length === 0) return undefined;
  const lines: string[] = [];
  let failed = false;
  for (const check of wanted) {
    try {
      await check.run(parts);
      lines.push(`[+]${check.name} ok`);
    } catch (error) {
      failed = true;
      parts.options.logger.warn('Health check failed', { err: error, check: check.name });
      lines.push(`[-]${check.name} failed: reason withheld`);
    }
  }
  const verbose = context.request.query.has('verbose') || failed;
  const text = verbose ? `${lines.join('\n')}\n${endpoint} check ${failed ? 'failed' : 'passed'}\n` : 'ok';
  return { kind: 'bytes', status: failed ? 500 : 200, contentType: 'text/plain; charset=utf-8', bytes: Buffer.from(text) };
}
