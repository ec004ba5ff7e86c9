import { resources, statusOf } from '@bayplan/api';
import type { ConfigMap, KubeObject } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { networkInterfaces } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ApiResponse } from '../../src/http/response.ts';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';
import { patchOf, startWebhookServer } from './webhook-server.ts';
import type { WebhookServer } from './webhook-server.ts';

let api: TestApiServer;
let admin: Client;
let hooks: WebhookServer;

beforeAll(async () => {
  api = await startTestApiServer({ listen: false });
  admin = createClient(api.admin);
  hooks = await startWebhookServer();
});
afterAll(async () => {
  await api.close();
  await hooks.close();
});
afterEach(async () => {
  for (const resource of [resources.mutatingWebhookConfigurations, resources.validatingWebhookConfigurations]) {
    for (const { metadata } of (await admin.list(resource)).items) await admin.delete(resource, { name: metadata?.name ?? '' });
  }
  for (const { metadata } of (await admin.list(resources.configMaps, { namespace: 'default' })).items) {
    if (metadata?.name !== 'kube-root-ca.crt')
      await admin.delete(resources.configMaps, { namespace: 'default', name: metadata?.name ?? '' });
  }
  hooks.seen.length = 0;
  hooks.answers.clear();
});

const rule = (resource: string, operations = ['CREATE'], group = '', version = 'v1') => ({
  apiGroups: [group],
  apiVersions: [version],
  resources: [resource],
  operations,
});
const hook = (name: string, path: string, rules: object[], extra: object = {}) => ({
  name,
  clientConfig: { url: hooks.url(path), caBundle: hooks.caBundle },
  rules,
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  ...extra,
});
const configure = async (type: 'mutating' | 'validating', name: string, webhooks: object[]): Promise<void> => {
  const resource = type === 'mutating' ? resources.mutatingWebhookConfigurations : resources.validatingWebhookConfigurations;
  await admin.create(resource, { metadata: { name }, webhooks } as never);
};
const map = (name: string, extra: Partial<ConfigMap> = {}) => ({ metadata: { name, namespace: 'default' }, ...extra });
const failure = async (work: Promise<unknown>) =>
  work.then(
    () => expect.fail('should have failed'),
    (error: unknown) => {
      const status = statusOf(error);
      return { code: status?.code, message: status?.message, reason: status?.reason };
    },
  );
const send = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, value?: object, query = ''): Promise<ApiResponse> =>
  api.server.handle({
    method,
    path,
    query: new URLSearchParams(query),
    headers: {},
    body: value === undefined ? { kind: 'none' } : { kind: 'object', value },
    peer: { kind: 'loopback', identity: { name: 'ann', groups: ['system:masters'] } },
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  });

describe('a validating webhook', () => {
  it('sees the whole request', async () => {
    await configure('validating', 'v', [hook('see.x.io', '/see', [rule('configmaps', ['*'])])]);
    await send('POST', '/api/v1/namespaces/default/configmaps', map('a'), 'fieldManager=me&dryRun=All');
    const request = hooks.seen[0]?.review.request;
    expect(hooks.seen[0]?.path).toBe('/see?timeout=10s');
    expect(request).toMatchObject({
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
      requestResource: { group: '', version: 'v1', resource: 'configmaps' },
      name: 'a',
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'ann', groups: ['system:masters', 'system:authenticated'] },
      object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' } },
      oldObject: null,
      dryRun: true,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', dryRun: ['All'], fieldManager: 'me' },
    });
    expect(request).not.toHaveProperty('subResource');
    await admin.create(resources.configMaps, map('a'));
    await admin.delete(resources.configMaps, { namespace: 'default', name: 'a' });
    expect(hooks.seen.at(-1)?.review.request).toMatchObject({
      operation: 'DELETE',
      object: null,
      oldObject: { metadata: { name: 'a' } },
      options: { kind: 'DeleteOptions' },
    });
  });

  it('refuses with its own status', async () => {
    await configure('validating', 'v', [
      hook('a.x.io', '/a', [rule('configmaps')]),
      hook('b.x.io', '/b', [rule('secrets')]),
      hook('c.x.io', '/c', [rule('services')]),
    ]);
    hooks.answers.set('/a', () => ({ allowed: false, status: { message: 'no', code: 403, reason: 'Forbidden' } }));
    hooks.answers.set('/b', () => ({ allowed: false }));
    hooks.answers.set('/c', () => ({ allowed: false, status: { reason: 'Because', code: 200 } }));
    expect(await failure(admin.create(resources.configMaps, map('a')))).toEqual({
      code: 403,
      message: 'admission webhook "a.x.io" denied the request: no',
      reason: 'Forbidden',
    });
    expect(await failure(admin.create(resources.secrets, map('a')))).toEqual({
      code: 400,
      message: 'admission webhook "b.x.io" denied the request without explanation',
      reason: undefined,
    });
    const service = { metadata: { name: 's', namespace: 'default' }, spec: { ports: [{ port: 1 }] } };
    expect(await failure(admin.create(resources.services, service as never))).toMatchObject({
      code: 400,
      message: 'admission webhook "c.x.io" denied the request: Because',
    });
  });

  it('warns', async () => {
    await configure('validating', 'v', [hook('warn.x.io', '/warn', [rule('configmaps')])]);
    hooks.answers.set('/warn', () => ({ warnings: ['mind "this"'] }));
    const { status, headers } = await send('POST', '/api/v1/namespaces/default/configmaps', map('w'));
    expect(status).toBe(201);
    expect(headers['warning']).toEqual(['299 - "mind \\"this\\""']);
  });

  it('that cannot be called refuses or is passed over, by its policy', async () => {
    const dead = { clientConfig: { url: 'https://127.0.0.1:1/dead', caBundle: hooks.caBundle } };
    await configure('validating', 'v', [hook('dead.x.io', '', [rule('configmaps')], dead)]);
    expect(await failure(admin.create(resources.configMaps, map('a')))).toEqual({
      code: 500,
      reason: 'InternalError',
      message:
        'Internal error occurred: failed calling webhook "dead.x.io": failed to call webhook: Post "https://127.0.0.1:1/dead?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused',
    });
    await configure('validating', 'w', [hook('open.x.io', '', [rule('secrets')], { ...dead, failurePolicy: 'Ignore' })]);
    await admin.create(resources.secrets, map('passed'));
  });

  it('is given up on when it is slow, distrusted or talks nonsense', async () => {
    hooks.answers.set('/slow', () => new Promise((resolve) => setTimeout(() => resolve({}), 1_500).unref()));
    hooks.answers.set('/html', () => ({ raw: '<html>' }));
    hooks.answers.set('/gone', () => ({ raw: 'x', code: 404 }));
    hooks.answers.set('/uid', () => ({ uid: 'other' }));
    hooks.answers.set('/patch', () => patchOf());
    const cases: [string, object, string][] = [
      ['/slow', { timeoutSeconds: 1 }, `failed to call webhook: Post "${hooks.url('/slow')}?timeout=1s": context deadline exceeded`],
      [
        '/ca',
        { clientConfig: { url: hooks.url('/ca') } },
        `failed to call webhook: Post "${hooks.url('/ca')}?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
      ],
      ['/gone', {}, 'failed to call webhook: the server could not find the requested resource'],
      ['/patch', {}, 'received invalid webhook response: validating webhook may not return response.patch'],
    ];
    for (const [path, extra, message] of cases) {
      await configure('validating', 'v', [hook('bad.x.io', path, [rule('configmaps')], extra)]);
      expect((await failure(admin.create(resources.configMaps, map('a')))).message).toBe(
        `Internal error occurred: failed calling webhook "bad.x.io": ${message}`,
      );
      await admin.delete(resources.validatingWebhookConfigurations, { name: 'v' });
    }
    await configure('validating', 'v', [hook('bad.x.io', '/uid', [rule('configmaps')])]);
    expect((await failure(admin.create(resources.configMaps, map('a')))).message).toMatch(
      /received invalid webhook response: expected response.uid="[0-9a-f-]{36}", got "other"$/,
    );
  });

  it('bounds what it reads', async () => {
    hooks.answers.set('/huge', () => ({ raw: ' '.repeat(9 * 1024 * 1024) }));
    await configure('validating', 'v', [hook('huge.x.io', '/huge', [rule('configmaps')])]);
    expect((await failure(admin.create(resources.configMaps, map('a')))).message).toMatch(/response body too large$/);
  });

  it('is asked together with the others, over connections that are kept', async () => {
    const webhooks = ['/1', '/2', '/3'].map((path) => hook(`p${path.slice(1)}.x.io`, path, [rule('configmaps')]));
    await configure('validating', 'v', webhooks);
    let waiting = 0;
    let together: () => void = () => undefined;
    const all = new Promise<void>((resolve) => (together = resolve));
    for (const path of ['/1', '/2', '/3']) {
      hooks.answers.set(path, async () => {
        if (++waiting === 3) together();
        await all;
        return {};
      });
    }
    await admin.create(resources.configMaps, map('a'));
    const before = hooks.connections();
    await admin.create(resources.configMaps, map('b'));
    await admin.create(resources.configMaps, map('c'));
    expect(hooks.connections()).toBe(before);
  });
});

describe('a mutating webhook', () => {
  it('changes what is stored, in order of configurations, and is validated', async () => {
    await configure('mutating', 'b', [hook('second.x.io', '/second', [rule('configmaps')])]);
    await configure('mutating', 'a', [hook('first.x.io', '/first', [rule('configmaps')])]);
    hooks.answers.set('/first', () => patchOf({ op: 'add', path: '/data', value: { by: 'first' } }));
    hooks.answers.set('/second', ({ request }) => {
      const { data } = request['object'] as ConfigMap;
      return patchOf({ op: 'add', path: '/data/then', value: `second after ${data?.['by'] ?? ''}` });
    });
    const made = await admin.create(resources.configMaps, map('a'));
    expect(made.data).toEqual({ by: 'first', then: 'second after first' });
    hooks.answers.set('/second', () => patchOf({ op: 'add', path: '/data/bad key', value: 'x' }));
    expect(await failure(admin.create(resources.configMaps, map('b')))).toMatchObject({ code: 422, reason: 'Invalid' });
  });

  it('is asked again after later changes only when it wants that', async () => {
    const mark =
      (key: string) =>
      ({ request }: { request: Record<string, unknown> }) => {
        const { data = {} } = request['object'] as ConfigMap;
        return patchOf({ op: 'add', path: '/data', value: { ...data, [key]: String(Number(data[key] ?? 0) + 1) } });
      };
    await configure('mutating', 'a', [
      hook('again.x.io', '/again', [rule('configmaps')], { reinvocationPolicy: 'IfNeeded' }),
      hook('once.x.io', '/once', [rule('configmaps')]),
      hook('last.x.io', '/last', [rule('configmaps')], { reinvocationPolicy: 'IfNeeded' }),
    ]);
    hooks.answers.set('/again', mark('again'));
    hooks.answers.set('/once', mark('once'));
    const made = await admin.create(resources.configMaps, map('a', { data: {} }));
    // `once` changes the object after `again` was asked; `last` changes nothing, so nobody changes it after `last` but `again`.
    expect(made.data).toEqual({ again: '2', once: '1' });
    expect(hooks.seen.map(({ path }) => path.split('?')[0])).toEqual(['/again', '/once', '/last', '/again', '/last']);
  });

  it('cannot reach past its subresource, nor change what is deleted', async () => {
    await admin.create(resources.namespaces, { metadata: { name: 'held' }, spec: {} });
    await configure('mutating', 'a', [hook('d.x.io', '/d', [rule('configmaps', ['DELETE'])])]);
    hooks.answers.set('/d', () => patchOf({ op: 'add', path: '/data', value: {} }));
    await admin.create(resources.configMaps, map('a'));
    expect((await failure(admin.delete(resources.configMaps, { namespace: 'default', name: 'a' }))).message).toBe(
      'Internal error occurred: admission webhook "d.x.io" attempted to modify the object, which is not supported for this operation',
    );
    await admin.delete(resources.mutatingWebhookConfigurations, { name: 'a' });
    await configure('mutating', 's', [hook('s.x.io', '/s', [rule('namespaces/status', ['UPDATE'])])]);
    hooks.answers.set('/s', () => patchOf({ op: 'add', path: '/spec/finalizers', value: [] }));
    const namespace = await admin.get(resources.namespaces, { name: 'held' });
    const response = await send('PUT', '/api/v1/namespaces/held/status', namespace);
    expect(response.status).toBe(200);
    expect(hooks.seen.at(-1)?.review.request).toMatchObject({
      subResource: 'status',
      requestSubResource: 'status',
      namespace: 'held',
      name: 'held',
    });
    expect((await admin.get(resources.namespaces, { name: 'held' })).spec?.finalizers).toEqual(['kubernetes']);
  });
});

describe('matching', () => {
  it('takes another version of the resource when told to', async () => {
    const rules = [rule('horizontalpodautoscalers', ['CREATE'], 'autoscaling', 'v2')];
    await configure('mutating', 'a', [
      hook('equivalent.x.io', '/equivalent', rules),
      hook('exact.x.io', '/exact', rules, { matchPolicy: 'Exact' }),
    ]);
    hooks.answers.set('/equivalent', () => patchOf({ op: 'add', path: '/spec/minReplicas', value: 3 }));
    const scaler = {
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'h' },
      spec: {
        maxReplicas: 5,
        scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' },
        targetCPUUtilizationPercentage: 50,
      },
    };
    const response = await send('POST', '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers', scaler);
    expect(response.status).toBe(201);
    expect(hooks.seen).toHaveLength(1);
    expect(hooks.seen[0]?.review.request).toMatchObject({
      kind: { group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler' },
      requestKind: { version: 'v1' },
      resource: { version: 'v2' },
      requestResource: { version: 'v1' },
      object: { apiVersion: 'autoscaling/v2', spec: { metrics: [{ type: 'Resource' }] } },
    });
    const stored = (await admin.list(resources.horizontalPodAutoscalers, { namespace: 'default' })).items[0] as KubeObject & {
      spec: { minReplicas: number };
    };
    expect(stored.spec.minReplicas).toBe(3);
  });

  it('goes by labels of the namespace and of the object, old or new', async () => {
    await admin.create(resources.namespaces, { metadata: { name: 'picked', labels: { pick: 'yes' } } });
    await configure('validating', 'v', [
      hook('n.x.io', '/n', [rule('configmaps')], { namespaceSelector: { matchLabels: { pick: 'yes' } } }),
      hook('o.x.io', '/o', [rule('configmaps', ['UPDATE'])], { objectSelector: { matchLabels: { mark: 'yes' } } }),
      hook('c.x.io', '/c', [{ ...rule('*', ['CREATE']), scope: 'Cluster' }]),
    ]);
    const paths = (): string[] => hooks.seen.splice(0).map(({ path }) => path.split('?')[0] ?? '');
    await admin.create(resources.configMaps, map('a'));
    expect(paths()).toEqual([]);
    await admin.create(resources.configMaps, { metadata: { name: 'a', namespace: 'picked' } });
    expect(paths()).toEqual(['/n']);
    const made = await admin.update(resources.configMaps, map('a', { data: { k: 'v' } }));
    expect(paths()).toEqual([]);
    await admin.update(resources.configMaps, { ...made, metadata: { ...made.metadata, labels: { mark: 'yes' } } });
    expect(paths()).toEqual(['/o']);
    await admin.update(resources.configMaps, map('a'));
    expect(paths()).toEqual(['/o']);
    await admin.create(resources.namespaces, { metadata: { name: 'cluster-scoped' } });
    expect(paths()).toEqual(['/c']);
  });

  it('leaves out what configures admission', async () => {
    await configure('validating', 'v', [hook('all.x.io', '/all', [rule('*', ['*'], '*', '*')])]);
    hooks.answers.set('/all', () => ({ allowed: false }));
    expect((await failure(admin.create(resources.configMaps, map('a')))).code).toBe(400);
    await admin.delete(resources.validatingWebhookConfigurations, { name: 'v' });
  });
});

describe('subresources', () => {
  const deployment = {
    metadata: { name: 'd', namespace: 'default' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  };

  it('of scale are shown a Scale, and may change it', async () => {
    await admin.create(resources.deployments, deployment as never);
    await configure('mutating', 'a', [hook('scale.x.io', '/scale', [rule('deployments/scale', ['UPDATE'], 'apps')])]);
    await configure('validating', 'v', [hook('check.x.io', '/check', [rule('deployments/scale', ['UPDATE'], 'apps')])]);
    hooks.answers.set('/scale', () => patchOf({ op: 'replace', path: '/spec/replicas', value: 7 }));
    const response = await send('PUT', '/apis/apps/v1/namespaces/default/deployments/d/scale', {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name: 'd', namespace: 'default' },
      spec: { replicas: 3 },
    });
    expect(response.status).toBe(200);
    expect((await admin.get(resources.deployments, { namespace: 'default', name: 'd' })).spec?.replicas).toBe(7);
    expect(hooks.seen.map(({ review }) => review.request)).toMatchObject([
      {
        kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
        resource: { group: 'apps', version: 'v1', resource: 'deployments' },
        subResource: 'scale',
        object: { kind: 'Scale', spec: { replicas: 3 } },
        oldObject: { kind: 'Scale', spec: { replicas: 1 } },
      },
      { object: { kind: 'Scale', spec: { replicas: 7 } } },
    ]);
    await admin.delete(resources.deployments, { namespace: 'default', name: 'd' });
  });

  it('that connect are shown their options', async () => {
    await configure('validating', 'v', [hook('proxy.x.io', '/proxy', [rule('services/proxy', ['CONNECT'])])]);
    hooks.answers.set('/proxy', () => ({ allowed: false, status: { message: 'not you', code: 403 } }));
    const response = await send('GET', '/api/v1/namespaces/default/services/web:80/proxy/a/b');
    expect(response.status).toBe(403);
    expect(hooks.seen[0]?.review.request).toMatchObject({
      operation: 'CONNECT',
      kind: { group: '', version: 'v1', kind: 'ServiceProxyOptions' },
      subResource: 'proxy',
      object: { kind: 'ServiceProxyOptions', apiVersion: 'v1', path: '/a/b' },
      oldObject: null,
      options: null,
    });
  });

  it('of nothing that is stored, such as reviews, are asked about too', async () => {
    await configure('validating', 'v', [
      hook('review.x.io', '/review', [rule('selfsubjectaccessreviews', ['CREATE'], 'authorization.k8s.io')]),
    ]);
    const body = { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } };
    await send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', body);
    expect(hooks.seen[0]?.review.request).toMatchObject({ kind: { kind: 'SelfSubjectAccessReview' }, operation: 'CREATE' });
  });

  it('a collection is deleted object by object', async () => {
    await configure('validating', 'v', [hook('all.x.io', '/all', [rule('secrets', ['DELETE'])])]);
    for (const name of ['x', 'y'])
      await admin.create(resources.secrets, { metadata: { name, namespace: 'default', labels: { set: 'one' } } });
    await send('DELETE', '/api/v1/namespaces/default/secrets', undefined, 'labelSelector=set%3Done');
    expect(hooks.seen.map(({ review }) => review.request['name'])).toEqual(['x', 'y']);
  });

  it('match conditions decide before the call', async () => {
    const matchConditions = [{ name: 'only-marked', expression: 'object.metadata.name.startsWith("marked")' }];
    await configure('validating', 'v', [hook('if.x.io', '/if', [rule('configmaps')], { matchConditions })]);
    await admin.create(resources.configMaps, map('plain'));
    await admin.create(resources.configMaps, map('marked-1'));
    expect(hooks.seen.map(({ review }) => review.request['name'])).toEqual(['marked-1']);
  });
});

const hostAddress = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === 'IPv4' && !address.internal)?.address;

describe.skipIf(hostAddress === undefined)('a Service as the backend', () => {
  it('is found by its endpoints and called under its name', async () => {
    const server = await startWebhookServer(hostAddress, ['hooks.default.svc']);
    const service = { metadata: { name: 'hooks', namespace: 'default' }, spec: { ports: [{ port: 8443, targetPort: server.port }] } };
    const clientConfig = { service: { namespace: 'default', name: 'hooks', port: 8443, path: '/svc' }, caBundle: server.caBundle };
    await configure('validating', 'v', [hook('svc.x.io', '', [rule('configmaps')], { clientConfig })]);
    const prefix =
      'Internal error occurred: failed calling webhook "svc.x.io": failed to call webhook: Post "https://hooks.default.svc:8443/svc?timeout=10s": ';
    expect((await failure(admin.create(resources.configMaps, map('a')))).message).toBe(`${prefix}service "hooks" not found`);
    await admin.create(resources.services, service as never);
    expect((await failure(admin.create(resources.configMaps, map('a')))).message).toBe(
      `${prefix}no endpoints available for service "hooks"`,
    );
    await admin.create(resources.endpointSlices, {
      metadata: { name: 'hooks-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'hooks' } },
      addressType: 'IPv4',
      ports: [{ port: server.port, name: '', protocol: 'TCP' }],
      endpoints: [{ addresses: [hostAddress ?? ''], conditions: { ready: true } }],
    });
    await admin.create(resources.configMaps, map('a'));
    expect(server.seen[0]?.path).toBe('/svc?timeout=10s');
    await server.close();
  });
});
