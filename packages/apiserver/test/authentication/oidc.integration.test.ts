import { createCertificateAuthority, issueCertificate, silentLogger } from '@bayplan/component-base';
import { resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';

let directory: string;
let provider: Server;
let issuer: string;
let caPem: string;
let api: TestApiServer;
let published: JWK[] = [];
let fetches = 0;
let webhookCalls = 0;
let first: (claims: object, seconds?: number) => Promise<string>;

async function signer(kid: string): Promise<(claims: object, seconds?: number) => Promise<string>> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  published = [...published, { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }];
  return (claims, seconds = 600) => sign(privateKey, kid, claims, seconds);
}

function sign(key: CryptoKey, kid: string, claims: object, seconds: number): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ aud: 'bayplan', ...claims })
    .setProtectedHeader({ alg: 'RS256', kid })
    .setIssuer(issuer)
    .setIssuedAt(now)
    .setExpirationTime(now + seconds)
    .sign(key);
}

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'bayplan-oidc-'));
  const ca = await createCertificateAuthority('test provider', Date.now());
  caPem = ca.certPem;
  const serving = await issueCertificate(ca, { commonName: 'localhost', dnsNames: ['localhost'], usages: ['server'] }, Date.now());
  provider = createServer({ key: serving.keyPem, cert: serving.certPem }, (req, res) => {
    res.setHeader('content-type', 'application/json');
    if (req.url === '/.well-known/openid-configuration') res.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }));
    else if (req.url === '/keys') {
      fetches++;
      res.end(JSON.stringify({ keys: published }));
    } else if (req.url === '/review') {
      webhookCalls++;
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        const { spec } = JSON.parse(Buffer.concat(chunks).toString()) as { spec: { token: string } };
        const authenticated = spec.token === 'opaque';
        const user = { username: 'hooked', groups: ['ops'], extra: { 'acme.io/x': ['1'] } };
        res.end(
          JSON.stringify({
            kind: 'TokenReview',
            apiVersion: 'authentication.k8s.io/v1',
            status: { authenticated, ...(authenticated ? { user } : {}) },
          }),
        );
      });
    } else res.writeHead(404).end();
  });
  provider.listen(0, 'localhost');
  await once(provider, 'listening');
  issuer = `https://localhost:${(provider.address() as AddressInfo).port.toString()}`;
  first = await signer('k1');
  await writeFile(path.join(directory, 'authentication.yaml'), configuration('oidc:'));
  await writeFile(path.join(directory, 'ca.pem'), caPem);
  await writeFile(
    path.join(directory, 'webhook.yaml'),
    JSON.stringify({
      clusters: [{ name: 'w', cluster: { server: `${issuer}/review`, 'certificate-authority': 'ca.pem' } }],
      users: [{ name: 'w', user: {} }],
      contexts: [{ name: 'w', context: { cluster: 'w', user: 'w' } }],
      'current-context': 'w',
    }),
  );
  api = await startTestApiServer({
    listen: false,
    logger: silentLogger,
    authentication: {
      configFile: path.join(directory, 'authentication.yaml'),
      webhook: { configFile: path.join(directory, 'webhook.yaml'), version: 'v1' },
    },
  });
});
afterAll(async () => {
  await api.close();
  provider.closeAllConnections();
  provider.close();
  await rm(directory, { recursive: true, force: true });
});

function configuration(prefix: string): string {
  return JSON.stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AuthenticationConfiguration',
    jwt: [
      {
        issuer: { url: issuer, audiences: ['bayplan'], certificateAuthority: caPem },
        claimMappings: { username: { claim: 'sub', prefix }, groups: { claim: 'groups', prefix: '' } },
      },
    ],
  });
}

interface Answer {
  readonly status: number;
  readonly user?: { readonly username: string; readonly groups: readonly string[] };
}

async function whoami(token: string): Promise<Answer> {
  const response = await api.server.handle({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    query: new URLSearchParams(),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: { kind: 'object', value: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: {} } },
    peer: { kind: 'anonymous' },
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  });
  const text = response.body.kind === 'bytes' ? Buffer.concat(response.body.chunks).toString() : '';
  const { status } = JSON.parse(text) as { status?: { userInfo?: Answer['user'] } };
  return { status: response.status, ...(status?.userInfo === undefined ? {} : { user: status.userInfo }) };
}

describe('an OpenID provider', () => {
  it('vouches for users, whose tokens count until they expire', async () => {
    const token = first;
    const answer = await whoami(await token({ sub: 'ann', groups: ['dev'] }));
    expect(answer).toMatchObject({ status: 201, user: { username: 'oidc:ann', groups: ['dev', 'system:authenticated'] } });
    const before = fetches;
    expect((await whoami(await token({ sub: 'bob' }))).user?.username).toBe('oidc:bob');
    expect(fetches).toBe(before);
    expect((await whoami(await token({ sub: 'ann' }, -1))).status).toBe(401);
    expect((await whoami(await token({ sub: 'ann', aud: 'other' }))).status).toBe(401);
    const forged = await generateKeyPair('RS256');
    expect((await whoami(await sign(forged.privateKey, 'k1', { sub: 'ann' }, 600))).status).toBe(401);
  });

  it('may bring new keys', async () => {
    const token = await signer('k2');
    await vi.waitFor(async () => expect((await whoami(await token({ sub: 'new' }))).user?.username).toBe('oidc:new'), { timeout: 10_000 });
  });

  it('may be asked through TokenReview', async () => {
    const token = await signer('k1b');
    published = published.filter(({ kid }) => kid !== 'k1b');
    const unknown = await createClient(api.admin).create(resources.tokenReviews, {
      metadata: {},
      spec: { token: await token({ sub: 'x' }) },
    });
    expect(unknown.status).toMatchObject({ user: {} });
    expect(unknown.status?.authenticated).not.toBe(true);
  });

  it('gives way to a changed file, without a restart', async () => {
    const token = await first({ sub: 'cleo' });
    await writeFile(
      path.join(directory, 'authentication.yaml'),
      configuration('changed:').replace('"audiences":["bayplan"]', '"audiences":["bayplan","b2"],"audienceMatchPolicy":"MatchAny"'),
    );
    await vi.waitFor(async () => expect((await whoami(token)).user?.username).toBe('changed:cleo'), { timeout: 10_000 });
    await writeFile(path.join(directory, 'authentication.yaml'), '{"kind":"broken"}');
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect((await whoami(token)).user?.username).toBe('changed:cleo');
  });
});

describe('a token webhook', () => {
  it('is asked once for a token', async () => {
    expect(await whoami('opaque')).toMatchObject({ status: 201, user: { username: 'hooked', groups: ['ops', 'system:authenticated'] } });
    expect((await whoami('nonsense')).status).toBe(401);
    const before = webhookCalls;
    expect((await whoami('opaque')).status).toBe(201);
    expect((await whoami('nonsense')).status).toBe(401);
    expect(webhookCalls).toBe(before);
  });
});
