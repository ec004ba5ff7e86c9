import { resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { expect, it } from 'vitest';
import { startTestApiServer } from '../src/testing/index.ts';

it('lets each of a hundred patches of one object through', async () => {
  const api = await startTestApiServer({ listen: false });
  const admin = createClient(api.admin);
  const key = { name: 'shared', namespace: 'default' };
  await admin.create(resources.configMaps, { metadata: key });
  const patches = Array.from({ length: 100 }, (_, index) => ({ data: { [`k${index.toString()}`]: '1' } }));
  await Promise.all(patches.map((body) => admin.patch(resources.configMaps, key, 'merge', body)));
  const { data } = await admin.get(resources.configMaps, key);
  expect(Object.keys(data ?? {})).toHaveLength(100);
  await api.close();
});
