import { parseFeatureGates, resources } from '@bayplan/api';
import type { StatefulSet } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { openMemoryStore } from '@bayplan/store/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../src/testing/index.ts';
import type { TestApiServer } from '../src/testing/index.ts';

describe('a server with a feature switched off', () => {
  const store = openMemoryStore();
  const key = { namespace: 'default', name: 's' };
  const labels = { app: 'a' };
  const set = (name: string): StatefulSet => ({
    metadata: { ...key, name },
    spec: {
      selector: { matchLabels: labels },
      serviceName: 's',
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  });
  const unavailable = ({ spec }: StatefulSet): unknown => spec?.updateStrategy?.rollingUpdate?.maxUnavailable;
  let on: TestApiServer;
  let off: TestApiServer;

  beforeAll(async () => {
    [on, off] = await Promise.all([
      startTestApiServer({ store, listen: false }),
      startTestApiServer({ store, listen: false, features: parseFeatureGates('MaxUnavailableStatefulSet=false') }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([on.close(), off.close()]);
    await store.close();
  });

  it('fills in nothing of it, but keeps what was written before until it is taken away', async () => {
    const client = createClient(off.admin);
    expect(unavailable(await createClient(on.admin).create(resources.statefulSets, set('s')))).toBe(1);
    expect(unavailable(await client.create(resources.statefulSets, set('other')))).toBeUndefined();
    const patch = { metadata: { labels } };
    expect(unavailable(await client.patch(resources.statefulSets, { ...key, name: 'other' }, 'merge', patch))).toBeUndefined();
    expect(unavailable(await client.patch(resources.statefulSets, key, 'merge', patch))).toBe(1);
    expect(unavailable(await client.update(resources.statefulSets, set('s')))).toBeUndefined();
  });
});
