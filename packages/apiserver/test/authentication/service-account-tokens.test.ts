import { isBadRequest, isConflict, isForbidden, isInvalid, isNotFound, resources } from '@bayplan/api';
import type { AuthenticationV1TokenRequest } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { FakeClock } from '@bayplan/component-base';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import type { JSONWebKeySet } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';
import { getWithToken } from './requests.ts';

const startMs = Date.parse('2026-03-01T00:00:00Z');
const issuer = 'https://kubernetes.default.svc.cluster.local';

let api: TestApiServer;
let admin: Client;
let clock: FakeClock;
let accountUid: string;

beforeAll(async () => {
  clock = new FakeClock(startMs);
  api = await startTestApiServer({ listen: false, clock });
  admin = createClient(api.admin);
  const account = await admin.create(resources.serviceAccounts, { metadata: { name: 'robot', namespace: 'default' } });
  accountUid = account.metadata?.uid ?? '';
  for (const name of ['n1', 'n2']) {
    await admin.create(resources.nodes, { metadata: { name } });
    await admin.create(resources.pods, {
      metadata: { name: `pod-${name}`, namespace: 'default' },
      spec: { nodeName: name, serviceAccountName: 'robot', containers: [{ name: 'c', image: 'i' }] },
    });
  }
});
afterAll(() => api.close());

type Spec = NonNullable<AuthenticationV1TokenRequest['spec']>;

async function issue(spec: Partial<Spec> = {}, client = admin, account = 'robot'): Promise<{ token: string; expires: string }> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec };
  const made = (await client.createSubresource(resources.serviceAccounts, { namespace: 'default', name: account }, 'token', body)) as {
    status?: { token?: string; expirationTimestamp?: string };
  };
  return { token: made.status?.token ?? '', expires: made.status?.expirationTimestamp ?? '' };
}

const failure = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.fail('should have failed'),
    (error: unknown) => error,
  );
const uidOf = async (name: string): Promise<string> =>
  (await admin.get(resources.pods, { namespace: 'default', name })).metadata?.uid ?? '';
const pod = (name: string, uid?: string) => ({
  boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, ...(uid === undefined ? {} : { uid }) },
});
const whoIs = async (token: string, audiences: string[] = []) => {
  const { status } = await admin.create(resources.tokenReviews, { metadata: {}, spec: { token, audiences } });
  return { authenticated: status?.authenticated, audiences: status?.audiences, user: status?.user };
};

describe('a token', () => {
  it('carries the claims that Kubernetes gives it', async () => {
    const { token, expires } = await issue({ expirationSeconds: 600 });
    const { jti, ...claims } = decodeJwt(token);
    const now = startMs / 1000;
    expect(claims).toEqual({
      aud: [issuer],
      exp: now + 600,
      iat: now,
      iss: issuer,
      nbf: now,
      sub: 'system:serviceaccount:default:robot',
      'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot', uid: accountUid } },
    });
    expect(jti).toMatch(/^[0-9a-f-]{36}$/);
    expect(expires).toBe('2026-03-01T00:10:00Z');
  });

  it('lives for an hour and is for the API server unless asked otherwise', async () => {
    const claims = decodeJwt((await issue({ audiences: ['vault', 'other'] })).token);
    expect(claims.exp).toBe(startMs / 1000 + 3600);
    expect(claims.aud).toEqual(['vault', 'other']);
  });

  it('bound to a pod names the pod and its node', async () => {
    const uid = await uidOf('pod-n1');
    const node = await admin.get(resources.nodes, { name: 'n1' });
    const claims = decodeJwt((await issue(pod('pod-n1', uid))).token)['kubernetes.io'];
    expect(claims).toMatchObject({ pod: { name: 'pod-n1', uid }, node: { name: 'n1', uid: node.metadata?.uid } });
    expect(claims).not.toHaveProperty('warnafter');
  });

  it('of a projected volume outlives its hour, with a note of when it should have been renewed', async () => {
    const { token, expires } = await issue({ expirationSeconds: 3607, ...pod('pod-n1') });
    const claims = decodeJwt(token);
    // 3607 s: 01:00:07; the token itself: 365 days.
    expect(expires).toBe('2026-03-01T01:00:07Z');
    expect(claims.exp).toBe(startMs / 1000 + 365 * 86_400);
    expect(claims['kubernetes.io']).toMatchObject({ warnafter: startMs / 1000 + 3607 });
    // For another audience it is not extended.
    const other = decodeJwt((await issue({ expirationSeconds: 3607, audiences: ['vault'], ...pod('pod-n1') })).token);
    expect(other.exp).toBe(startMs / 1000 + 3607);
  });

  it('is checked by others with the published keys', async () => {
    const configuration = JSON.parse((await getWithToken(api, (await issue()).token, '/.well-known/openid-configuration')).body) as object;
    expect(configuration).toMatchObject({ issuer, id_token_signing_alg_values_supported: ['ES256'], subject_types_supported: ['public'] });
    const { token } = await issue({ audiences: ['vault'] });
    const keys = JSON.parse((await getWithToken(api, (await issue()).token, '/openid/v1/jwks')).body) as JSONWebKeySet;
    expect(keys.keys.map((key) => key.kid)).toEqual([decodeProtectedHeader(token).kid]);
    const options = { issuer, audience: 'vault', currentDate: new Date(clock.now()) };
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), options);
    expect(payload.sub).toBe('system:serviceaccount:default:robot');
    expect((await getWithToken(api, '', '/openid/v1/jwks')).status).toBe(401);
  });
});

describe('a token request is refused', () => {
  it.each([
    ['shorter than ten minutes', { expirationSeconds: 599 }, isInvalid],
    ['longer than 2^32 seconds', { expirationSeconds: 2 ** 32 + 1 }, isInvalid],
    ['bound to a kind that ends no token', { boundObjectRef: { apiVersion: 'v1', kind: 'ConfigMap', name: 'x' } }, isBadRequest],
    ['bound to a pod that is not there', pod('none'), isNotFound],
    ['bound to an earlier pod of the same name', pod('pod-n1', 'gone'), isConflict],
  ] as const)('%s', async (_what, spec, check) => {
    expect(check(await failure(issue(spec)))).toBe(true);
  });

  it('bound to a pod of another account, or for an account that is not there', async () => {
    await admin.create(resources.serviceAccounts, { metadata: { name: 'other', namespace: 'default' } });
    expect(isBadRequest(await failure(issue(pod('pod-n1'), admin, 'other')))).toBe(true);
    expect(isNotFound(await failure(issue({}, admin, 'none')))).toBe(true);
  });

  it('to a node, unless it is bound to a pod on that node', async () => {
    const node = createClient(api.as({ name: 'system:node:n1', groups: ['system:nodes'] }));
    expect(decodeJwt((await issue(pod('pod-n1', await uidOf('pod-n1')), node)).token).sub).toBe('system:serviceaccount:default:robot');
    expect(isForbidden(await failure(issue({}, node)))).toBe(true);
    expect(isForbidden(await failure(issue(pod('pod-n1'), node)))).toBe(true);
    expect(isForbidden(await failure(issue(pod('pod-n2', await uidOf('pod-n2')), node)))).toBe(true);
  });
});

describe('a bearer of a token', () => {
  it('is the account, with all its groups and what the token tells of it', async () => {
    const uid = await uidOf('pod-n1');
    const { token } = await issue(pod('pod-n1', uid));
    const { user, authenticated, audiences } = await whoIs(token);
    expect({ authenticated, audiences }).toEqual({ authenticated: true, audiences: [issuer] });
    expect(user).toMatchObject({
      username: 'system:serviceaccount:default:robot',
      uid: accountUid,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      extra: {
        'authentication.kubernetes.io/credential-id': [`JTI=${decodeJwt(token).jti ?? ''}`],
        'authentication.kubernetes.io/pod-name': ['pod-n1'],
        'authentication.kubernetes.io/pod-uid': [uid],
        'authentication.kubernetes.io/node-name': ['n1'],
      },
    });
  });

  it('is known to those whom the token is for, and to nobody else', async () => {
    const { token } = await issue({ audiences: ['vault', 'mail'] });
    expect((await whoIs(token, ['mail', 'web'])).audiences).toEqual(['mail']);
    expect((await whoIs(token, ['web'])).authenticated).not.toBe(true);
    expect((await whoIs(token)).authenticated).not.toBe(true);
    expect((await getWithToken(api, token, '/api')).status).toBe(401);
  });

  it('is refused, not anonymous, when the token is changed or nonsense', async () => {
    const { token } = await issue();
    const [header = '', payload = '', signature = ''] = token.split('.');
    const claims = { ...decodeJwt(token), sub: 'system:serviceaccount:kube-system:admin' };
    const forged = [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
    const unsigned = [Buffer.from('{"alg":"none"}').toString('base64url'), payload, ''].join('.');
    for (const bad of [forged, unsigned, 'nonsense', 'a.b.c', `${token}x`]) {
      expect((await getWithToken(api, bad, '/version')).status).toBe(401);
    }
    expect((await getWithToken(api, token, '/version')).status).toBe(200);
  });

  it('is refused once the account has been made anew', async () => {
    await admin.create(resources.serviceAccounts, { metadata: { name: 'brief', namespace: 'default' } });
    const { token } = await issue({}, admin, 'brief');
    expect((await getWithToken(api, token, '/version')).status).toBe(200);
    await admin.delete(resources.serviceAccounts, { namespace: 'default', name: 'brief' });
    await admin.create(resources.serviceAccounts, { metadata: { name: 'brief', namespace: 'default' } });
    expect((await getWithToken(api, token, '/version')).status).toBe(401);
  });

  it('is refused once the Secret or Node of the token is gone', async () => {
    await admin.create(resources.secrets, { metadata: { name: 'holder', namespace: 'default' } });
    await admin.create(resources.nodes, { metadata: { name: 'n9' } });
    const bySecret = await issue({ boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name: 'holder' } });
    const byNode = await issue({ boundObjectRef: { apiVersion: 'v1', kind: 'Node', name: 'n9' } });
    for (const { token } of [bySecret, byNode]) expect((await getWithToken(api, token, '/version')).status).toBe(200);
    await admin.delete(resources.secrets, { namespace: 'default', name: 'holder' });
    await admin.delete(resources.nodes, { name: 'n9' });
    for (const { token } of [bySecret, byNode]) expect((await getWithToken(api, token, '/version')).status).toBe(401);
  });

  it('keeps access for a minute after the pod should have ended, and until the token expires', async () => {
    await admin.create(resources.pods, {
      metadata: { name: 'dying', namespace: 'default', finalizers: ['test/hold'] },
      spec: { nodeName: 'n1', serviceAccountName: 'robot', containers: [{ name: 'c', image: 'i' }] },
    });
    const bound = await issue(pod('dying'));
    const free = await issue({ expirationSeconds: 600 });
    await admin.delete(resources.pods, { namespace: 'default', name: 'dying' }, { gracePeriodSeconds: 30 });
    // 30 s of grace and 60 s more.
    await clock.advance(89_000);
    expect((await getWithToken(api, bound.token, '/version')).status).toBe(200);
    await clock.advance(2_000);
    expect((await getWithToken(api, bound.token, '/version')).status).toBe(401);
    expect((await getWithToken(api, free.token, '/version')).status).toBe(200);
    await clock.advance(510_000);
    expect((await getWithToken(api, free.token, '/version')).status).toBe(401);
  });
});
