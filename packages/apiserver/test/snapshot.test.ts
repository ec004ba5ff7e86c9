import { isForbidden, resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { decodeSnapshot } from '@bayplan/store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clusterKeysKey, opensClusterKeys, snapshotPath } from '../src/index.ts';
import { startTestApiServer } from '../src/testing/index.ts';
import type { TestApiServer } from '../src/testing/index.ts';

let api: TestApiServer;

beforeAll(async () => {
  api = await startTestApiServer({ listen: false });
  await createClient(api.admin).create(resources.secrets, {
    metadata: { name: 'sealed', namespace: 'default' },
    stringData: { password: 'very-secret-indeed' },
  });
});
afterAll(() => api.close());

const request = (groups: readonly string[] | undefined, method: 'GET' | 'POST' = 'GET') =>
  api.server.handle({
    method,
    path: snapshotPath,
    query: new URLSearchParams(),
    headers: {},
    body: { kind: 'none' },
    peer: groups === undefined ? { kind: 'anonymous' } : { kind: 'loopback', identity: { name: 'someone', groups: [...groups] } },
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  });

it('gives an administrator everything, with secrets sealed', async () => {
  const { status, body } = await request(['system:masters']);
  expect(status).toBe(200);
  if (body.kind !== 'stream') return expect.fail('it should be streamed');
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.chunks) chunks.push(chunk instanceof Uint8Array ? chunk : Buffer.concat(chunk));
  const { revision, items } = await decodeSnapshot(toStream(chunks));
  expect(revision).toBe(await api.store.currentRevision());
  const values = new Map<string, Buffer>();
  for await (const { key, value } of items) values.set(key, value);
  expect([...values.keys()]).toContain('/registry/core/secrets/default/sealed');
  const whole = Buffer.concat(chunks).toString('latin1');
  expect(whole).not.toContain('very-secret-indeed');
  expect(whole).not.toContain(Buffer.from('very-secret-indeed').toString('base64'));
  expect(whole).not.toContain('PRIVATE KEY');
  const keys = values.get(clusterKeysKey) ?? Buffer.alloc(0);
  expect(await opensClusterKeys(keys, 'test')).toBe(true);
  expect(await opensClusterKeys(keys, 'another')).toBe(false);
});

it('refuses everybody else', async () => {
  for (const groups of [undefined, ['system:authenticated'], ['system:nodes'], ['system:monitoring']])
    expect((await request(groups)).status).toBe(groups === undefined ? 401 : 403);
  const viewer = createClient(api.admin);
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' };
  await viewer.create(resources.clusterRoleBindings, {
    metadata: { name: 'eve' },
    roleRef,
    subjects: [{ kind: 'User', name: 'eve', apiGroup: roleRef.apiGroup }],
  });
  const refused = await api
    .as({ name: 'eve' })
    .call({ method: 'GET', path: snapshotPath })
    .catch((error: unknown) => error);
  expect(isForbidden(refused)).toBe(true);
  expect((await request(['system:masters'], 'POST')).status).toBe(404);
});

async function* toStream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* await Promise.resolve(chunks);
}
