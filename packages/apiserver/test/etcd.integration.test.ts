import { createMetricsRegistry, silentLogger, systemClock } from '@bayplan/component-base';
import { openEtcdStore } from '@bayplan/store';
import type { Store } from '@bayplan/store';
import { etcdMissing, startEtcd } from '@bayplan/store/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiServer } from '../src/api-server.ts';
import { createApiServer } from '../src/create-api-server.ts';
import { loadOrCreateClusterKeys } from '../src/keys/load-cluster-keys.ts';
import type { TestApiServer } from '../src/testing/index.ts';
import { ask, watch } from './registry/asking.ts';

const collection = '/api/v1/namespaces/default/configmaps';

describe.skipIf(etcdMissing !== undefined)('a server on etcd', () => {
  let etcd: Awaited<ReturnType<typeof startEtcd>>;
  let store: Store;
  let server: ApiServer;
  let api: TestApiServer;

  beforeAll(async () => {
    etcd = await startEtcd();
    store = await openEtcdStore({ endpoints: [etcd.endpoint], requestTimeoutMs: 1500 });
    const keys = await loadOrCreateClusterKeys(store, 'test', systemClock);
    const metrics = createMetricsRegistry({ processMetrics: false });
    server = await createApiServer({ store, keys, clock: systemClock, logger: silentLogger, metrics, advertiseAddress: '127.0.0.1' });
    api = { server } as unknown as TestApiServer;
  });
  afterAll(async () => {
    process.kill(etcd.pid, 'SIGCONT');
    await server.close();
    await store.close();
    await etcd.dispose();
  });

  it('goes on after a restart where its watchers were, until their history is compacted', async () => {
    const { json } = await ask(api, 'POST', collection, { body: JSON.stringify({ metadata: { name: 'first' } }) });
    const first = String(json.metadata['resourceVersion']);
    for (const name of ['second', 'third']) await ask(api, 'POST', collection, { body: JSON.stringify({ metadata: { name } }) });
    const again = await createApiServer({
      store,
      keys: await loadOrCreateClusterKeys(store, 'test', systemClock),
      clock: systemClock,
      logger: silentLogger,
      metrics: createMetricsRegistry({ processMetrics: false }),
      advertiseAddress: '127.0.0.1',
    });
    const second = { server: again } as unknown as TestApiServer;
    try {
      const events = await watch(second, `${collection}?watch=1&resourceVersion=${first}`);
      for (const name of ['second', 'third']) expect((await events.next())?.object.metadata['name']).toBe(name);
      await ask(api, 'POST', collection, { body: JSON.stringify({ metadata: { name: 'fourth' } }) });
      expect((await events.next())?.object.metadata['name']).toBe('fourth');
      events.close();
      // Nothing of this resource has happened since: the watch must learn that it is up to date.
      const quiet = await watch(second, `/api/v1/namespaces/default/secrets?watch=1&resourceVersion=${first}`);
      await ask(api, 'POST', '/api/v1/namespaces/default/secrets', { body: JSON.stringify({ metadata: { name: 'new' } }) });
      expect((await quiet.next())?.object.metadata['name']).toBe('new');
      quiet.close();
      await store.compact(await store.currentRevision());
      const late = await watch(second, `${collection}?watch=1&resourceVersion=${first}`);
      expect((await late.next())?.type).toBe('ERROR');
      late.close();
    } finally {
      await again.close();
    }
  });

  it('makes reads and writes fail in time when etcd no longer answers, and all is well when it does', async () => {
    const body = JSON.stringify({ metadata: { name: 'one' } });
    expect((await ask(api, 'POST', collection, { body })).status).toBe(201);
    const { json } = await ask(api, 'GET', collection);
    const events = await watch(api, `${collection}?watch=1&resourceVersion=${String(json.metadata['resourceVersion'])}`);
    process.kill(etcd.pid, 'SIGSTOP');
    const answers = await Promise.all([
      ask(api, 'GET', collection),
      ask(api, 'GET', `${collection}/one`),
      ask(api, 'POST', collection, { body: JSON.stringify({ metadata: { name: 'two' } }) }),
      ask(api, 'PATCH', `${collection}/one`, { body: '{"data":{"a":"b"}}', contentType: 'application/merge-patch+json' }),
      ask(api, 'DELETE', `${collection}/one`),
      // A resource that nobody has read before: its cache has nothing yet.
      ask(api, 'GET', '/apis/storage.k8s.io/v1/csidrivers'),
    ]);
    for (const answer of answers) {
      expect([500, 503, 504]).toContain(answer.status);
      expect(answer.json['details']).toMatchObject({ retryAfterSeconds: 1 });
    }
    // What is in memory can be read all the same by those who take any state.
    expect((await ask(api, 'GET', `${collection}?resourceVersion=0`)).status).toBe(200);
    process.kill(etcd.pid, 'SIGCONT');
    let status = 0;
    for (let attempt = 0; attempt < 100 && status !== 200; attempt++) {
      status = (await ask(api, 'PATCH', `${collection}/one`, { body: '{"data":{"c":"d"}}', contentType: 'application/merge-patch+json' }))
        .status;
      if (status === 404) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const end = (await ask(api, 'POST', collection, { body: JSON.stringify({ metadata: { name: 'end' } }) })).json;
    for (;;) {
      const event = await events.next();
      if (event === undefined) expect.fail('the watch should have gone on');
      if (event.object.metadata['name'] === 'end') {
        expect(event.object.metadata['resourceVersion']).toBe(end.metadata['resourceVersion']);
        break;
      }
    }
    events.close();
  });
});
