import { resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';
import { getWithToken } from './requests.ts';

let api: TestApiServer;
let admin: Client;

beforeAll(async () => {
  api = await startTestApiServer({ listen: false });
  admin = createClient(api.admin);
});
afterAll(() => api.close());

const password = '0123456789abcdef';

async function makeToken(id: string, data: Record<string, string> = {}, type = 'bootstrap.kubernetes.io/token'): Promise<string> {
  const stringData = { 'token-id': id, 'token-secret': password, 'usage-bootstrap-authentication': 'true', ...data };
  await admin.create(resources.secrets, { metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' }, type, stringData });
  return `${id}.${password}`;
}

async function review(token: string, audiences: string[] = []) {
  const object = { metadata: {}, spec: { token, audiences } };
  return (await admin.create(resources.tokenReviews, object)).status as { authenticated?: boolean; user?: object };
}

describe('a bootstrap token', () => {
  it('makes its bearer a bootstrapper of the extra groups it names', async () => {
    const token = await makeToken('good00', { 'auth-extra-groups': 'system:bootstrappers:bayplan,system:bootstrappers:west' });
    expect(await review(token)).toMatchObject({
      authenticated: true,
      user: {
        username: 'system:bootstrap:good00',
        groups: ['system:bootstrappers', 'system:bootstrappers:bayplan', 'system:bootstrappers:west', 'system:authenticated'],
      },
    });
    expect((await getWithToken(api, token, '/apis/certificates.k8s.io/v1/certificatesigningrequests')).status).toBe(200);
    expect((await getWithToken(api, token, '/api/v1/nodes')).status).toBe(403);
  });

  it.each([
    ['it has expired', 'old000', { expiration: '2020-01-01T00:00:00Z' }],
    ['its expiration cannot be read', 'odd000', { expiration: 'soon' }],
    ['it is not for authentication', 'sign00', { 'usage-bootstrap-authentication': 'false' }],
    ['the Secret is of another id', 'swap00', { 'token-id': 'other0' }],
    ['it asks for a group of others', 'grab00', { 'auth-extra-groups': 'system:bootstrappers:bayplan,system:masters' }],
  ])('is refused, not anonymous, when %s', async (_what, id, data) => {
    expect((await getWithToken(api, await makeToken(id, data), '/version')).status).toBe(401);
  });

  it('is refused when the Secret has another type, another password or is gone', async () => {
    expect((await getWithToken(api, await makeToken('opaque', {}, 'Opaque'), '/version')).status).toBe(401);
    const token = await makeToken('keep00');
    expect((await getWithToken(api, token, '/version')).status).toBe(200);
    expect((await getWithToken(api, 'keep00.0123456789abcdee', '/version')).status).toBe(401);
    await admin.delete(resources.secrets, { namespace: 'kube-system', name: 'bootstrap-token-keep00' });
    expect((await getWithToken(api, token, '/version')).status).toBe(401);
  });

  it('is good for the API server only', async () => {
    const token = await makeToken('audi00');
    expect((await review(token, ['https://kubernetes.default.svc.cluster.local'])).authenticated).toBe(true);
    expect((await review(token, ['vault'])).authenticated).not.toBe(true);
  });
});
