import { createMetricsRegistry, FakeClock, silentLogger, systemClock } from '@bayplan/component-base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApiServer } from '../../src/create-api-server.ts';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';
import { ask, watch } from './asking.ts';

let api: TestApiServer;

beforeEach(async () => {
  api = await startTestApiServer({ listen: false });
});
afterEach(() => api.close());

const collection = '/api/v1/namespaces/default/configmaps';

async function create(name: string, labels: Record<string, string> = {}): Promise<number> {
  const { status, json } = await ask(api, 'POST', collection, { body: JSON.stringify({ metadata: { name, labels } }) });
  expect(status).toBe(201);
  return Number(json.metadata['resourceVersion']);
}

async function touch(name: string): Promise<number> {
  const body = JSON.stringify({ data: { at: Math.random().toString() } });
  const { json } = await ask(api, 'PATCH', `${collection}/${name}`, { body, contentType: 'application/merge-patch+json' });
  return Number(json.metadata['resourceVersion']);
}

const names = (list: { items: { metadata: Record<string, unknown> }[] }) => list.items.map((item) => item.metadata['name']);

/** Walks all pages of a list; `between` runs after each. */
async function pages(query: string, limit: number, between: (page: number) => Promise<unknown> = () => Promise.resolve()) {
  const found: unknown[][] = [];
  const remaining: unknown[] = [];
  const revisions = new Set<unknown>();
  let token: unknown;
  do {
    const next = token === undefined ? '' : `&continue=${String(token)}`;
    const { status, json } = await ask(api, 'GET', `${collection}?limit=${limit.toString()}${query}${next}`);
    expect(status).toBe(200);
    found.push(names(json));
    revisions.add(json.metadata['resourceVersion']);
    remaining.push(json.metadata['remainingItemCount']);
    token = json.metadata['continue'];
    await between(found.length);
  } while (token !== undefined);
  return { found, remaining, revisions: [...revisions] };
}

describe('pages of a list', () => {
  beforeEach(async () => {
    for (let index = 0; index < 9; index++) await create(`c${index.toString()}`, index % 3 === 0 ? { third: 'yes' } : {});
  });

  it('show everything once and say how much is left', async () => {
    const { found, remaining } = await pages('', 4);
    expect(found).toEqual([['c0', 'c1', 'c2', 'c3'], ['c4', 'c5', 'c6', 'c7'], ['c8']]);
    expect(remaining).toEqual([5, 1, undefined]);
  });

  it('under a selector are full, end with the last match, and do not say how much is left', async () => {
    for (const between of [undefined, () => touch('c1')]) {
      const { found, remaining } = await pages('&labelSelector=third%3Dyes', 2, between);
      expect(found).toEqual([['c0', 'c3'], ['c6']]);
      expect(remaining).toEqual([undefined, undefined]);
    }
  });

  it('are of one state, whatever happens between them', async () => {
    const { found, revisions, remaining } = await pages('', 3, async (page) => {
      await create(`b${page.toString()}`);
      await create(`d${page.toString()}`);
      await ask(api, 'DELETE', `${collection}/c${(page * 3).toString()}`);
    });
    expect(found.flat()).toEqual(['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8']);
    expect(revisions).toHaveLength(1);
    expect(remaining).toEqual([6, 3, undefined]);
  });

  it('go on from the newest state when history is gone, if the client wants that', async () => {
    const first = (await ask(api, 'GET', `${collection}?limit=3`)).json;
    await create('zz');
    const revision = await touch('c0');
    await api.store.compact(revision as Parameters<TestApiServer['store']['compact']>[0]);
    const gone = await ask(api, 'GET', `${collection}?limit=3&continue=${String(first.metadata['continue'])}`);
    expect([gone.status, gone.json['reason']]).toEqual([410, 'Expired']);
    expect(gone.json['message']).toMatch(/^The provided continue parameter is too old to display a consistent list result\./);
    const token = String(gone.json.metadata['continue']);
    const { json } = await ask(api, 'GET', `${collection}?limit=3&continue=${token}`);
    expect(names(json)).toEqual(['c3', 'c4', 'c5']);
    expect(json.metadata['remainingItemCount']).toBe(4);
    expect(Number(json.metadata['resourceVersion'])).toBeGreaterThanOrEqual(revision);
  });

  it('are what a deletion with a limit takes', async () => {
    const { json } = await ask(api, 'DELETE', `${collection}?limit=2&labelSelector=third%3Dyes`);
    expect(names(json)).toEqual(['c0', 'c3']);
    expect(names((await ask(api, 'GET', `${collection}?labelSelector=third%3Dyes`)).json)).toEqual(['c6']);
    expect(names((await ask(api, 'DELETE', collection)).json)).toHaveLength(7);
    expect((await ask(api, 'GET', collection)).json.items).toEqual([]);
  });

  it('refuse a resourceVersion beside a token, and tokens that are none', async () => {
    const { json } = await ask(api, 'GET', `${collection}?limit=3`);
    const both = await ask(api, 'GET', `${collection}?limit=3&resourceVersion=5&continue=${String(json.metadata['continue'])}`);
    expect([both.status, both.json['message']]).toEqual([400, 'specifying resource version is not allowed when using continue']);
    expect((await ask(api, 'GET', `${collection}?limit=3&continue=nonsense`)).status).toBe(400);
  });
});

describe('the resourceVersion of a list', () => {
  it.each([
    ['', 'most recent'],
    ['?resourceVersion=0', 'any'],
    ['?resourceVersion=1', 'not older'],
    ['?resourceVersion=1&resourceVersionMatch=NotOlderThan', 'not older'],
  ])('%s reads a state that is %s', async (query) => {
    const revision = await create('one');
    const { json } = await ask(api, 'GET', `${collection}${query}`);
    expect(Number(json.metadata['resourceVersion'])).toBeGreaterThanOrEqual(query.includes('=0') ? 1 : revision);
  });

  it('is exact when asked for, and when the list comes in pages', async () => {
    const first = await create('one');
    await create('two');
    for (const query of [`resourceVersion=${first.toString()}&resourceVersionMatch=Exact`, `resourceVersion=${first.toString()}&limit=9`]) {
      const { json } = await ask(api, 'GET', `${collection}?${query}`);
      expect(names(json)).toEqual(['one']);
      expect(json.metadata['resourceVersion']).toBe(first.toString());
    }
    const any = await ask(api, 'GET', `${collection}?resourceVersion=0&limit=1`);
    expect(names(any.json)).toEqual(['one', 'two']);
  });

  it('that is compacted is expired', async () => {
    const first = await create('one');
    const last = await create('two');
    await api.store.compact(last as Parameters<TestApiServer['store']['compact']>[0]);
    const { status, json } = await ask(api, 'GET', `${collection}?resourceVersion=${first.toString()}&resourceVersionMatch=Exact`);
    expect([status, json['reason'], json['message']]).toEqual([410, 'Expired', 'The resourceVersion for the provided list is too old.']);
  });

  it('of the future is a timeout that names its cause', async () => {
    await api.close();
    const clock = new FakeClock();
    api = await startTestApiServer({ listen: false, clock });
    for (const url of [`${collection}?resourceVersion=999999`, `/api/v1/namespaces/default?resourceVersion=999999`]) {
      const asked = ask(api, 'GET', url);
      const { status, json } = await elapse(clock, asked);
      expect([status, json['reason']]).toEqual([504, 'Timeout']);
      expect(json['message']).toMatch(/^Timeout: Too large resource version: 999999, current: \d+$/);
      expect(json['details']).toEqual({
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      });
    }
  });

  it.each([
    ['resourceVersionMatch=Exact', 'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided'],
    [
      'resourceVersion=0&resourceVersionMatch=Exact',
      'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    ],
    [
      'resourceVersion=1&resourceVersionMatch=Best',
      'resourceVersionMatch: Unsupported value: "Best": supported values: "Exact", "NotOlderThan", ""',
    ],
    ['sendInitialEvents=true', 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list'],
    [
      'watch=true&sendInitialEvents=true',
      'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    ],
    [
      'watch=true&resourceVersionMatch=NotOlderThan',
      'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    ],
  ])('%s is invalid', async (query, message) => {
    const { status, json } = await ask(api, 'GET', `${collection}?${query}`);
    expect([status, json['message']]).toEqual([422, `ListOptions.meta.k8s.io "" is invalid: ${message}`]);
  });

  it.each([
    ['pods', 'spec.nodeName=a,status.phase!=Running,spec.hostNetwork=false', 200],
    ['pods', 'spec.containers=a', 400],
    ['nodes', 'spec.unschedulable=true', 200],
    ['events', 'involvedObject.kind=Pod,reason=x,type=Normal', 200],
    ['secrets', 'type=Opaque', 200],
    ['namespaces', 'status.phase=Active', 200],
    ['services', 'spec.clusterIP=None,spec.type=ClusterIP', 200],
    ['configmaps', 'data.a=b', 400],
    ['configmaps', 'metadata.name=a,metadata.namespace=b', 200],
    ['resource.k8s.io/v1/resourceslices', 'spec.nodeName=a,spec.driver=b', 200],
    ['batch/v1/jobs', 'status.successful=1', 200],
    ['certificates.k8s.io/v1/certificatesigningrequests', 'spec.signerName=x', 200],
  ])('of %s by the fields of Kubernetes: %s', async (resource, selector, code) => {
    const url = resource.includes('/') ? `/apis/${resource}` : `/api/v1/${resource}`;
    const { status, json } = await ask(api, 'GET', `${url}?fieldSelector=${encodeURIComponent(selector)}`);
    expect(status).toBe(code);
    if (code === 400) expect(json['message']).toMatch(/^(field label not supported: |"data.a" is not a known field selector: only )/);
  });

  it.each([
    'limit=x',
    'timeoutSeconds=1.5',
    'resourceVersion=-1',
    'resourceVersion=99999999999999999999',
    'labelSelector=a+in',
    'fieldSelector=a',
  ])('%s cannot be read', async (query) => {
    expect((await ask(api, 'GET', `${collection}?${query}`)).status).toBe(400);
  });
});

/** Lets time pass until `work` is done. */
async function elapse<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let done = false;
  void work.finally(() => (done = true));
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(250);
  }
  return work;
}

describe('a watch', () => {
  it('goes on where it was after a restart, from the history of the store', async () => {
    const first = await create('one', { shown: 'yes' });
    await fill(300);
    const body = JSON.stringify({ metadata: { labels: { shown: 'no' } } });
    await ask(api, 'PATCH', `${collection}/one`, { body, contentType: 'application/merge-patch+json' });
    await restarted(async (second) => {
      const events = await watch(second, `${collection}?watch=1&resourceVersion=${first.toString()}`);
      for (let index = 0; index < 300; index++) expect((await events.next())?.object.metadata['name']).toMatch(/^x\d+$/);
      expect(await events.next()).toMatchObject({ type: 'MODIFIED', object: { metadata: { name: 'one' } } });
      const revision = await create('two');
      expect(await events.next()).toMatchObject({ type: 'ADDED', object: { metadata: { resourceVersion: revision.toString() } } });
      events.close();
      const narrow = await watch(second, `${collection}?watch=1&labelSelector=shown%3Dyes&resourceVersion=${first.toString()}`);
      expect(await narrow.next()).toMatchObject({ type: 'DELETED', object: { metadata: { name: 'one', labels: { shown: 'yes' } } } });
      narrow.close();
    });
  });

  it('from a revision that is forgotten is granted, and says so in its only event', async () => {
    const first = await create('one');
    await api.store.compact((await fill(2)) as Parameters<TestApiServer['store']['compact']>[0]);
    await restarted(async (second) => {
      for (const accept of ['application/json', 'application/json;as=Table;g=meta.k8s.io;v=v1']) {
        const events = await watch(second, `${collection}?watch=true&resourceVersion=${first.toString()}`, accept);
        expect(events.status).toBe(200);
        const event = await events.next();
        expect(event).toMatchObject({ type: 'ERROR', object: { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 } });
        expect(event?.object['message']).toMatch(/^too old resource version: \d+ \(\d+\)$/);
        expect(await events.next()).toBeUndefined();
      }
    });
  });

  it('sends the state first and marks its end, for those who take bookmarks', async () => {
    const revision = await create('one');
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
    const events = await watch(api, `${collection}?${query}&allowWatchBookmarks=true`);
    expect((await events.next())?.object.metadata['name']).toBe('one');
    const bookmark = await events.next();
    expect(bookmark).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
    expect(Number(bookmark?.object.metadata['resourceVersion'])).toBeGreaterThanOrEqual(revision);
    await create('two');
    expect(await events.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'two' } } });
    events.close();
    const plain = await watch(api, `${collection}?${query}`);
    expect((await plain.next())?.object.metadata['name']).toBe('one');
    await touch('one');
    expect((await plain.next())?.type).toBeOneOf(['ADDED', 'MODIFIED']);
    plain.close();
  });

  it('sends bookmarks each minute and just before its end', async () => {
    await api.close();
    const clock = new FakeClock();
    api = await startTestApiServer({ listen: false, clock });
    const events = await watch(
      api,
      `${collection}?watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=150`,
    );
    const start = clock.monotonic();
    const seen: number[] = [];
    for (;;) {
      const event = await elapse(clock, events.next());
      if (event === undefined) break;
      expect(event.type).toBe('BOOKMARK');
      seen.push(Math.round((clock.monotonic() - start) / 1000));
    }
    const close = [60, 120, 148];
    expect(seen).toHaveLength(3);
    for (const [at, seconds] of seen.entries()) expect(Math.abs(seconds - (close[at] ?? 0))).toBeLessThanOrEqual(2);
    expect(Math.round((clock.monotonic() - start) / 1000)).toBeGreaterThanOrEqual(150);
  });

  it('reaches a thousand watchers, each with every event in order', async () => {
    const revision = await create('one');
    const watchers = await Promise.all(
      Array.from({ length: 1000 }, () => watch(api, `${collection}?watch=1&resourceVersion=${revision.toString()}`)),
    );
    const written: number[] = [];
    for (let index = 0; index < 5; index++) written.push(await touch('one'));
    for (const events of watchers) {
      const seen: number[] = [];
      for (let index = 0; index < 5; index++) seen.push(Number((await events.next())?.object.metadata['resourceVersion']));
      expect(seen).toEqual(written);
      events.close();
    }
  });
});

/** Runs `use` with a second server on the same store, as after a restart. */
async function restarted(use: (second: TestApiServer) => Promise<void>): Promise<void> {
  const server = await createApiServer({
    store: api.store,
    keys: api.keys,
    clock: systemClock,
    logger: silentLogger,
    metrics: createMetricsRegistry({ processMetrics: false }),
    advertiseAddress: '127.0.0.1',
  });
  try {
    await use({ ...api, server });
  } finally {
    await server.close();
  }
}

/** Writes past the API, many at once; resolves to the last revision when the server has seen it. */
async function fill(count: number): Promise<number> {
  let last = 0;
  for (let at = 0; at < count; at += 500) {
    const key = (index: number) => `/registry/core/configmaps/default/x${index.toString()}`;
    const many = Array.from({ length: Math.min(500, count - at) }, (_, index) => api.store.create(key(at + index), value(at + index)));
    last = Math.max(last, ...(await Promise.all(many)));
  }
  await ask(api, 'GET', `${collection}?limit=1`);
  return last;
}

function value(index: number): Buffer {
  return Buffer.from(
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `x${index.toString()}`, namespace: 'default', uid: 'u' } }),
  );
}
