import { resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpMethod } from '../src/http/request.ts';
import { startTestApiServer } from '../src/testing/index.ts';
import type { TestApiServer } from '../src/testing/index.ts';

let api: TestApiServer;

beforeAll(async () => {
  api = await startTestApiServer({ listen: false });
  const admin = createClient(api.admin);
  await admin.create(resources.namespaces, { metadata: { name: 'a' } });
  await admin.create(resources.roleBindings, {
    metadata: { name: 'all', namespace: 'a' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'alice' }],
  });
  const pods = { metadata: { name: 'p', namespace: 'a' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  await admin.create(resources.serviceAccounts, { metadata: { name: 'default', namespace: 'a' } });
  await admin.create(resources.pods, pods);
});
afterAll(() => api.close());

async function statusOf(method: string, path: string, name: string, groups: readonly string[] = []): Promise<number> {
  const { status } = await api.server.handle({
    method: method as HttpMethod,
    path,
    query: new URLSearchParams(),
    headers: { 'content-type': 'application/json' },
    body: { kind: 'bytes', read: () => Promise.resolve(Buffer.from('{}')) },
    peer: { kind: 'loopback', identity: { name, groups } },
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  });
  return status;
}

describe('who may do everything in one namespace', () => {
  it.each([
    ['GET', '/api/v1/namespaces/a/nodes', 404],
    ['GET', '/api/v1/namespaces/a/nodes/n/proxy/x', 404],
    ['GET', '/api/v1/namespaces/a/namespaces/kube-system', 404],
    ['DELETE', '/api/v1/namespaces/a/namespaces/kube-system', 404],
    ['POST', '/api/v1/namespaces/a/persistentvolumes', 404],
    ['GET', '/apis/rbac.authorization.k8s.io/v1/namespaces/a/clusterroles/cluster-admin', 404],
    ['GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin', 403],
    ['GET', '/api/v1/namespaces/a', 200],
    ['GET', '/api/v1/namespaces/a/pods/p', 200],
  ])('%s %s answers %i', async (method, path, status) => {
    expect(await statusOf(method, path, 'alice')).toBe(status);
  });
});

describe('a URL whose form is not that of its resource', () => {
  it.each([
    ['DELETE', '/api/v1/pods', 405],
    ['POST', '/api/v1/pods', 405],
    ['GET', '/api/v1/pods/a%2Fp', 404],
    ['PUT', '/api/v1/namespaces', 405],
    ['PATCH', '/api/v1/namespaces/a/pods', 405],
    ['POST', '/api/v1/namespaces/a/pods/p', 405],
    ['OPTIONS', '/api/v1/namespaces', 405],
    ['PROPFIND', '/api/v1/namespaces', 405],
  ])('%s %s answers %i', async (method, path, status) => {
    expect(await statusOf(method, path, 'root', ['system:masters'])).toBe(status);
  });
});
