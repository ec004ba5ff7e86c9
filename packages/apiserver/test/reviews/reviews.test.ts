import { isBadRequest, isForbidden, isInvalid, resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';

let api: TestApiServer;
let admin: Client;
let bob: Client;
const apiGroup = 'rbac.authorization.k8s.io';

beforeAll(async () => {
  api = await startTestApiServer({ listen: false });
  admin = createClient(api.admin);
  bob = createClient(api.as({ name: 'bob', groups: ['team'] }));
  await admin.create(resources.namespaces, { metadata: { name: 'work' } });
  await admin.create(resources.roleBindings, {
    metadata: { name: 'bob', namespace: 'work' },
    roleRef: { apiGroup, kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'Group', name: 'team', apiGroup }],
  });
});
afterAll(() => api.close());

const failure = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.fail('should have failed'),
    (error: unknown) => error,
  );
const listPods = (namespace: string) => ({ resourceAttributes: { verb: 'list', resource: 'pods', namespace } });
const subject = async (spec: object, client = admin) =>
  (await client.create(resources.subjectAccessReviews, { metadata: {}, spec } as never)).status as { allowed: boolean; reason?: string };
const local = (spec: object, namespace: string) =>
  admin.create(resources.localSubjectAccessReviews, { metadata: { namespace }, spec } as never);

describe('SelfSubjectAccessReview', () => {
  it('answers for the caller', async () => {
    const ask = async (spec: object) => (await bob.create(resources.selfSubjectAccessReviews, { metadata: {}, spec } as never)).status;
    expect(await ask(listPods('work'))).toMatchObject({
      allowed: true,
      reason: expect.stringContaining('RBAC: allowed by RoleBinding') as string,
    });
    expect(await ask(listPods('default'))).toMatchObject({ allowed: false });
    expect(await ask({ nonResourceAttributes: { verb: 'get', path: '/version' } })).toMatchObject({ allowed: true });
    expect(await ask({ nonResourceAttributes: { verb: 'get', path: '/metrics' } })).toMatchObject({ allowed: false });
    expect(await ask({ resourceAttributes: { verb: 'get', resource: 'pods', subresource: 'exec', namespace: 'work' } })).toMatchObject({
      allowed: false,
    });
  });

  it('must ask one thing', async () => {
    const ask = (spec: object) => bob.create(resources.selfSubjectAccessReviews, { metadata: {}, spec } as never);
    expect(isInvalid(await failure(ask({})))).toBe(true);
    expect(isInvalid(await failure(ask({ ...listPods('work'), nonResourceAttributes: { verb: 'get', path: '/' } })))).toBe(true);
  });
});

describe('SubjectAccessReview', () => {
  it('answers for anybody, by user or by groups', async () => {
    expect((await subject({ user: 'carol', groups: ['team'], ...listPods('work') })).allowed).toBe(true);
    expect((await subject({ groups: ['team'], ...listPods('work') })).allowed).toBe(true);
    expect((await subject({ user: 'carol', ...listPods('work') })).allowed).toBe(false);
    expect((await subject({ user: 'x', groups: ['system:masters'], ...listPods('') })).allowed).toBe(true);
  });

  it('needs a subject, and the right to ask', async () => {
    expect(isInvalid(await failure(subject(listPods('work'))))).toBe(true);
    expect(isForbidden(await failure(subject({ user: 'carol', ...listPods('work') }, bob)))).toBe(true);
  });
});

describe('LocalSubjectAccessReview', () => {
  it('answers within its namespace only', async () => {
    expect((await local({ user: 'carol', groups: ['team'], ...listPods('work') }, 'work')).status?.allowed).toBe(true);
    expect(isInvalid(await failure(local({ user: 'carol', ...listPods('default') }, 'work')))).toBe(true);
    expect(isInvalid(await failure(local({ user: 'carol', nonResourceAttributes: { verb: 'get', path: '/' } }, 'work')))).toBe(true);
  });
});

describe('SelfSubjectRulesReview', () => {
  const rules = async (client: Client, namespace: string) =>
    (await client.create(resources.selfSubjectRulesReviews, { metadata: {}, spec: { namespace } } as never)).status as {
      resourceRules: { verbs: string[]; resources?: string[] }[];
      nonResourceRules: { nonResourceURLs?: string[] }[];
      incomplete: boolean;
    };

  it('lists what holds in the namespace and everywhere', async () => {
    const inWork = await rules(bob, 'work');
    expect(inWork.incomplete).toBe(false);
    expect(inWork.resourceRules.some((rule) => rule.resources?.includes('pods') && rule.verbs.includes('list'))).toBe(true);
    expect(inWork.resourceRules.some((rule) => rule.resources?.includes('selfsubjectreviews'))).toBe(true);
    expect(inWork.nonResourceRules.some((rule) => rule.nonResourceURLs?.includes('/healthz'))).toBe(true);
    expect((await rules(bob, 'default')).resourceRules.some((rule) => rule.resources?.includes('pods'))).toBe(false);
  });

  it('says that it is incomplete for a node, and wants a namespace', async () => {
    expect((await rules(createClient(api.as({ name: 'system:node:n1', groups: ['system:nodes'] })), 'work')).incomplete).toBe(true);
    expect(isBadRequest(await failure(rules(bob, '')))).toBe(true);
  });
});

describe('SelfSubjectReview and TokenReview', () => {
  it('tell who the caller is', async () => {
    const review = await bob.create(resources.selfSubjectReviews, { metadata: {} });
    expect(review.status).toEqual({ userInfo: { username: 'bob', groups: ['team', 'system:authenticated'] } });
    expect(review.metadata?.creationTimestamp).toMatch(/^\d{4}-.*Z$/);
  });

  it('say that a bad token is nobody’s, and want one', async () => {
    const ask = (token: string) => admin.create(resources.tokenReviews, { metadata: {}, spec: { token } } as never);
    const { status } = await ask('nonsense');
    expect(status).toMatchObject({ user: {}, error: expect.any(String) as string });
    expect(status?.authenticated).not.toBe(true);
    expect(isBadRequest(await failure(ask('')))).toBe(true);
  });
});
