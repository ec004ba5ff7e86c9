import { resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { openMemoryStore } from '@bayplan/store/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadOrCreateClusterKeys } from '../src/index.ts';
import { startTestApiServer } from '../src/testing/index.ts';
import type { TestApiServer } from '../src/testing/index.ts';

describe('two servers on one store', () => {
  const store = openMemoryStore();
  let one: TestApiServer;
  let two: TestApiServer;

  beforeAll(async () => {
    [one, two] = await Promise.all([startTestApiServer({ store, listen: false }), startTestApiServer({ store, listen: false })]);
  });
  afterAll(async () => {
    await Promise.all([one.close(), two.close()]);
    await store.close();
  });

  it('share their keys', () => {
    expect(one.keys).toEqual(two.keys);
  });

  it('need the right bootstrap secret', async () => {
    await expect(loadOrCreateClusterKeys(store, 'another')).rejects.toThrow('bootstrap secret');
  });

  it("see each other's writes at once", async () => {
    const first = createClient(one.admin);
    const second = createClient(two.admin);
    for (let round = 0; round < 50; round++) {
      const name = `r${round}`;
      await first.create(resources.configMaps, { metadata: { name, namespace: 'default' }, data: { round: round.toString() } });
      expect((await second.get(resources.configMaps, { namespace: 'default', name })).data).toEqual({ round: round.toString() });
      expect((await second.list(resources.configMaps, { namespace: 'default' })).items).toHaveLength(round + 1);
    }
  });

  it('lose no update between them', async () => {
    await createClient(one.admin).create(resources.configMaps, { metadata: { name: 'shared', namespace: 'kube-public' } });
    const writers = [one, two].flatMap((api, server) =>
      Array.from({ length: 10 }, (_, index) =>
        createClient(api.admin).patch(resources.configMaps, { namespace: 'kube-public', name: 'shared' }, 'merge', {
          data: { [`s${server}-${index}`]: '' },
        }),
      ),
    );
    await Promise.all(writers);
    const shared = await createClient(two.admin).get(resources.configMaps, { namespace: 'kube-public', name: 'shared' });
    expect(Object.keys(shared.data ?? {})).toHaveLength(20);
  });
});
