import { isForbidden, resources } from '@bayplan/api';
import type { KubeObject, SelfSubjectAccessReview } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../src/testing/index.ts';
import type { TestApiServer } from '../src/testing/index.ts';

let api: TestApiServer;
let admin: Client;

beforeAll(async () => {
  api = await startTestApiServer({ listen: false });
  admin = createClient(api.admin);
  await admin.create(resources.serviceAccounts, { metadata: { name: 'default', namespace: 'default' } });
});
afterAll(() => api.close());

const failure = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.fail('should have failed'),
    (error: unknown) => error,
  );
const request = (token: string, path: string) =>
  api.server.handle({
    method: 'GET',
    path,
    query: new URLSearchParams(),
    headers: token === '' ? {} : { authorization: `Bearer ${token}` },
    body: { kind: 'none' },
    peer: { kind: 'anonymous' },
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  });

describe('RBAC', () => {
  it('allows by bindings, as soon as they are there and no longer', async () => {
    const bob = createClient(api.as({ name: 'bob' }));
    expect(isForbidden(await failure(bob.list(resources.configMaps, { namespace: 'default' })))).toBe(true);
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' };
    await admin.create(resources.roleBindings, {
      metadata: { name: 'bob', namespace: 'default' },
      roleRef,
      subjects: [{ kind: 'User', name: 'bob', apiGroup: roleRef.apiGroup }],
    });
    await bob.list(resources.configMaps, { namespace: 'default' });
    expect(isForbidden(await failure(bob.list(resources.configMaps, { namespace: 'kube-system' })))).toBe(true);
    expect(isForbidden(await failure(bob.list(resources.secrets, { namespace: 'default' })))).toBe(true);
    await admin.delete(resources.roleBindings, { namespace: 'default', name: 'bob' });
    expect(isForbidden(await failure(bob.list(resources.configMaps, { namespace: 'default' })))).toBe(true);
  });

  it('answers reviews', async () => {
    const review: SelfSubjectAccessReview & KubeObject = {
      metadata: {},
      spec: { resourceAttributes: { verb: 'create', resource: 'pods', namespace: 'default' } },
    };
    expect((await admin.create(resources.selfSubjectAccessReviews, review)).status?.allowed).toBe(true);
    expect((await createClient(api.as({ name: 'eve' })).create(resources.selfSubjectAccessReviews, review)).status?.allowed).toBe(false);
  });
});

describe('nodes', () => {
  it('read the secrets of their own pods only', async () => {
    const node = createClient(api.as({ name: 'system:node:n1', groups: ['system:nodes'] }));
    for (const name of ['mine', 'other']) await admin.create(resources.secrets, { metadata: { name, namespace: 'default' } });
    const spec = { containers: [{ name: 'c', image: 'i', envFrom: [{ secretRef: { name: 'mine' } }] }] };
    await admin.create(resources.pods, { metadata: { name: 'p', namespace: 'default' }, spec });
    expect(isForbidden(await failure(node.get(resources.secrets, { namespace: 'default', name: 'mine' })))).toBe(true);
    await admin.createSubresource(resources.pods, { namespace: 'default', name: 'p' }, 'binding', {
      metadata: { name: 'p' },
      target: { kind: 'Node', name: 'n1' },
    });
    await node.get(resources.secrets, { namespace: 'default', name: 'mine' });
    expect(isForbidden(await failure(node.get(resources.secrets, { namespace: 'default', name: 'other' })))).toBe(true);
    expect(isForbidden(await failure(node.list(resources.secrets, { namespace: 'default' })))).toBe(true);
  });

  it('change only themselves', async () => {
    const node = createClient(api.as({ name: 'system:node:n1', groups: ['system:nodes'] }));
    await node.create(resources.nodes, { metadata: { name: 'n1' } });
    expect(isForbidden(await failure(node.create(resources.nodes, { metadata: { name: 'n2' } })))).toBe(true);
  });
});

describe('ServiceAccount tokens', () => {
  const issue = async (bound?: object): Promise<string> => {
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: {},
      spec: { audiences: [], expirationSeconds: 600, ...(bound === undefined ? {} : { boundObjectRef: bound }) },
    };
    const made = (await admin.createSubresource(resources.serviceAccounts, { namespace: 'default', name: 'default' }, 'token', body)) as {
      status?: { token?: string };
    };
    return made.status?.token ?? '';
  };

  it('authenticate until what they are bound to is gone', async () => {
    await admin.create(resources.pods, {
      metadata: { name: 'holder', namespace: 'default' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    const token = await issue({ kind: 'Pod', apiVersion: 'v1', name: 'holder' });
    // 403, not 401: known, but not allowed.
    expect((await request(token, '/api/v1/namespaces/default/pods')).status).toBe(403);
    expect((await request(token, '/api')).status).toBe(200);
    await admin.delete(resources.pods, { namespace: 'default', name: 'holder' });
    expect((await request(token, '/api')).status).toBe(401);
  });

  it('are refused when forged or meant for others', async () => {
    const token = await issue();
    const [header = '', payload = ''] = token.split('.');
    expect((await request(`${header}.${payload}.AAAA`, '/api')).status).toBe(401);
    const review = { metadata: {}, spec: { token, audiences: ['vault'] } };
    expect((await admin.create(resources.tokenReviews, review)).status?.authenticated).not.toBe(true);
    expect((await admin.create(resources.tokenReviews, { ...review, spec: { token } })).status).toMatchObject({
      authenticated: true,
      user: { username: 'system:serviceaccount:default:default' },
    });
  });
});

describe('bootstrap tokens', () => {
  it('let a machine ask for its certificate and nothing else', async () => {
    const secret = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true' };
    await admin.create(resources.secrets, {
      metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' },
      type: 'bootstrap.kubernetes.io/token',
      stringData: secret,
    });
    expect((await request('abcdef.0123456789abcdef', '/apis/certificates.k8s.io/v1/certificatesigningrequests')).status).toBe(200);
    expect((await request('abcdef.0123456789abcdef', '/api/v1/secrets')).status).toBe(403);
    expect((await request('abcdef.0123456789abcdee', '/api')).status).toBe(401);
  });
});

describe('anonymous', () => {
  it('may see that the server is there', async () => {
    for (const path of ['/healthz', '/livez', '/readyz']) expect((await request('', path)).status).toBe(200);
    for (const path of ['/api', '/version', '/metrics']) expect((await request('', path)).status).toBe(401);
  });
});

describe('granting', () => {
  it('is bounded by what the granter holds', async () => {
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' };
    await admin.create(resources.roleBindings, {
      metadata: { name: 'ada', namespace: 'default' },
      roleRef,
      subjects: [{ kind: 'User', name: 'ada', apiGroup: roleRef.apiGroup }],
    });
    const ada = createClient(api.as({ name: 'ada' }));
    const role = (name: string, resource: string, group = '') => ({
      metadata: { name, namespace: 'default' },
      rules: [{ verbs: ['get'], apiGroups: [group], resources: [resource] }],
    });
    await ada.create(resources.roles, role('fine', 'pods'));
    expect(isForbidden(await failure(ada.create(resources.roles, role('more', 'nodes'))))).toBe(true);
    const bind = (name: string) => ({
      metadata: { name: `to-${name}`, namespace: 'default' },
      roleRef: { ...roleRef, name },
      subjects: [{ kind: 'User', name: 'eve', apiGroup: roleRef.apiGroup }],
    });
    await ada.create(resources.roleBindings, bind('view'));
    expect(isForbidden(await failure(ada.create(resources.roleBindings, bind('cluster-admin'))))).toBe(true);
  });
});
