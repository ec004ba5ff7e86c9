import { FakeClock, silentLogger } from '@bayplan/component-base';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { selectorsOfTexts } from '../../src/authorization/selector-attributes.ts';
import { WebhookAuthorizer } from '../../src/authorization/webhook-authorizer.ts';
import type { WebhookAuthorizerOptions } from '../../src/authorization/webhook-authorizer.ts';

let server: Server;
let asked: { spec: Record<string, unknown> }[] = [];
let answer: unknown;
beforeAll(async () => {
  server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      asked.push(JSON.parse(Buffer.concat(chunks).toString()) as (typeof asked)[number]);
      if (answer === undefined) res.writeHead(400).end('no');
      else res.end(JSON.stringify({ status: answer }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => (asked = []));

const clock = new FakeClock();
const hook = (change: Partial<WebhookAuthorizerOptions['config']> = {}): WebhookAuthorizer =>
  new WebhookAuthorizer({
    name: 'hook',
    clock,
    logger: silentLogger,
    endpoint: { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port.toString()}/`), insecure: false, headers: {} },
    config: {
      timeoutMs: 1000,
      version: 'v1',
      authorizedTtlMs: 1000,
      unauthorizedTtlMs: 100,
      failurePolicy: 'NoOpinion',
      matchConditions: [],
      ...change,
    },
  });
const user = { name: 'ann', groups: ['dev'], extra: { 'acme.io/x': ['1'] } };
const access = {
  kind: 'resource',
  verb: 'list',
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: 'default',
  name: '',
  selectors: () => selectorsOfTexts('spec.nodeName=n1', 'a in (b,c)'),
} as const;

it('tells the webhook everything about a request, and keeps the answer for its time', async () => {
  const authorizer = hook();
  answer = { allowed: true, reason: 'fine' };
  expect(await authorizer.authorize(user, access)).toEqual({ verdict: 'allow', reason: 'fine' });
  expect(asked).toMatchObject([
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: 'ann',
        groups: ['dev'],
        extra: { 'acme.io/x': ['1'] },
        resourceAttributes: {
          namespace: 'default',
          verb: 'list',
          version: 'v1',
          resource: 'pods',
          fieldSelector: { requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n1'] }] },
          labelSelector: { requirements: [{ key: 'a', operator: 'In', values: ['b', 'c'] }] },
        },
      },
    },
  ]);
  await authorizer.authorize(user, access);
  expect(asked).toHaveLength(1);
  await clock.advance(1001);
  answer = { allowed: false, denied: true, reason: 'no more' };
  expect(await authorizer.authorize(user, access)).toEqual({ verdict: 'deny', reason: 'no more' });
  expect(await authorizer.authorize(user, { kind: 'path', verb: 'get', path: '/x' })).toMatchObject({ verdict: 'deny' });
  expect(asked[2]?.spec['nonResourceAttributes']).toEqual({ path: '/x', verb: 'get' });
  authorizer.close();
});

it('speaks the old version', async () => {
  answer = { allowed: false };
  const authorizer = hook({ version: 'v1beta1' });
  expect(await authorizer.authorize(user, access)).toEqual({ verdict: 'no-opinion', reason: '' });
  expect(asked[0]?.spec).toMatchObject({ group: ['dev'] });
  authorizer.close();
});

it('is asked only for what its conditions let through', async () => {
  answer = { allowed: true };
  const seen: unknown[] = [];
  const condition = (result: () => unknown) => ({
    text: 't',
    compiled: { evaluate: (variables: unknown) => (seen.push(variables), result()) },
  });
  const fail = (): never => {
    throw new Error('broken');
  };
  const no = hook({ matchConditions: [condition(fail), condition(() => false)] });
  expect(await no.authorize(user, access)).toEqual({ verdict: 'no-opinion', reason: '' });
  const broken = hook({ matchConditions: [condition(fail), condition(() => true)], failurePolicy: 'Deny' });
  expect(await broken.authorize(user, access)).toMatchObject({ verdict: 'deny' });
  expect(asked).toHaveLength(0);
  expect(seen[0]).toMatchObject({ request: { user: 'ann', resourceAttributes: { verb: 'list' } } });
});

it('fails as its policy says', async () => {
  answer = undefined;
  const open = hook();
  const decision = await open.authorize(user, access);
  expect(decision).toMatchObject({ verdict: 'no-opinion' });
  expect(decision.error?.message).toContain('400');
  const closed = hook({ failurePolicy: 'Deny' });
  expect(await closed.authorize(user, access)).toMatchObject({ verdict: 'deny' });
});
