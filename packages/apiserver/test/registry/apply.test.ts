import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';
import { ask } from './asking.ts';
import type { Answer } from './asking.ts';

let api: TestApiServer;

beforeAll(async () => {
  api = await startTestApiServer({ listen: false });
});
afterAll(() => api.close());

const collection = '/api/v1/namespaces/default/configmaps';
const applyType = 'application/apply-patch+yaml';

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly apiVersion: string;
  readonly time: string;
  readonly subresource?: string;
  readonly fieldsV1: Record<string, unknown>;
}

function apply(url: string, manager: string, object: object, more = ''): Promise<Answer> {
  return ask(api, 'PATCH', `${url}?fieldManager=${manager}${more}`, { body: JSON.stringify(object), contentType: applyType });
}

function entries({ json }: Answer): Entry[] {
  return (json.metadata['managedFields'] ?? []) as Entry[];
}

const configMap = (data: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', data });

describe('server-side apply', () => {
  it('creates, conflicts, is forced, and takes away what is no longer applied', async () => {
    const url = `${collection}/shared`;
    expect((await apply(url, 'one', configMap({ a: '1', b: '1' }))).status).toBe(201);
    const conflict = await apply(url, 'two', configMap({ a: '2', c: '2' }));
    expect([conflict.status, conflict.json['reason'], conflict.json['message']]).toEqual([
      409,
      'Conflict',
      'Apply failed with 1 conflict: conflict with "one": .data.a',
    ]);
    expect(conflict.json['details']).toEqual({
      causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a' }],
    });
    const forced = await apply(url, 'two', configMap({ a: '2', c: '2' }), '&force=true');
    expect([forced.status, forced.json['data']]).toEqual([200, { a: '2', b: '1', c: '2' }]);
    expect(entries(forced).map((entry) => [entry.manager, entry.fieldsV1])).toEqual([
      ['one', { 'f:data': { 'f:b': {} } }],
      ['two', { 'f:data': { 'f:a': {}, 'f:c': {} } }],
    ]);
    const less = await apply(url, 'two', configMap({ a: '2' }));
    expect(less.json['data']).toEqual({ a: '2', b: '1' });
    const gone = await apply(url, 'one', { apiVersion: 'v1', kind: 'ConfigMap' });
    expect(gone.json['data']).toEqual({ a: '2' });
    expect(entries(gone).map((entry) => entry.manager)).toEqual(['two']);
  });

  it('changes neither times nor the revision when nothing changes', async () => {
    const url = `${collection}/still`;
    const first = await apply(url, 'one', configMap({ a: '1' }));
    const again = await apply(url, 'one', configMap({ a: '1' }));
    expect(again.json).toEqual(first.json);
  });

  it('does not write on a dry run', async () => {
    const url = `${collection}/dry`;
    expect((await apply(url, 'one', configMap({ a: '1' }), '&dryRun=All')).status).toBe(201);
    expect((await ask(api, 'GET', url)).status).toBe(404);
  });

  it.each([
    ['', configMap({}), 422, 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'],
    [
      'one',
      { ...configMap({}), dat: {} },
      500,
      'failed to create typed patch object (default/refused; v1, Kind=ConfigMap): .dat: field not declared in schema',
    ],
    ['one', { ...configMap({}), metadata: { managedFields: [{}] } }, 400, 'metadata.managedFields must be nil'],
    [
      'one',
      { ...configMap({}), metadata: { name: 'other' } },
      400,
      'the name of the object (other) does not match the name on the URL (refused)',
    ],
  ])('is refused: %#', async (manager, object, code, message) => {
    const { status, json } = await apply(`${collection}/refused`, manager, object);
    expect([status, json['message']]).toEqual([code, message]);
  });

  it('reads YAML as Kubernetes does: octal numbers, words for booleans, merge keys', async () => {
    const body = `
apiVersion: v1
kind: Pod
metadata: {name: yaml}
spec:
  hostNetwork: yes
  serviceAccountName: none
  automountServiceAccountToken: off
  volumes:
  - name: v
    configMap: {name: c, defaultMode: 0644}
  containers:
  - &base {name: a, image: x}
  - <<: *base
    name: b
`;
    await ask(api, 'POST', '/api/v1/namespaces/default/serviceaccounts', { body: JSON.stringify({ metadata: { name: 'none' } }) });
    const made = await ask(api, 'PATCH', '/api/v1/namespaces/default/pods/yaml?fieldManager=y', { body, contentType: applyType });
    expect([made.status, made.status === 201 ? '' : made.json['message']]).toEqual([201, '']);
    const spec = made.json['spec'] as { hostNetwork: boolean; volumes: { configMap: object }[]; containers: object[] };
    expect(spec.hostNetwork).toBe(true);
    expect(spec.volumes[0]?.configMap).toEqual({ name: 'c', defaultMode: 420 });
    expect(spec.containers).toMatchObject([
      { name: 'a', image: 'x' },
      { name: 'b', image: 'x' },
    ]);
  });

  it('follows fields that two versions of a kind call by different names', async () => {
    const v1 = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/h';
    const v2 = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h';
    const target = { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' };
    const old = { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler' };
    const made = await apply(v1, 'old', { ...old, spec: { scaleTargetRef: target, maxReplicas: 3, targetCPUUtilizationPercentage: 50 } });
    expect(made.status).toBe(201);
    const metrics = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }];
    const body = JSON.stringify({ spec: { metrics } });
    const changed = await ask(api, 'PATCH', `${v2}?fieldManager=new`, { body, contentType: 'application/merge-patch+json' });
    expect(changed.status).toBe(200);
    const seen = entries(await ask(api, 'GET', v1));
    expect(seen.find((entry) => entry.manager === 'old')?.fieldsV1).toEqual({
      'f:spec': { 'f:maxReplicas': {}, 'f:scaleTargetRef': {} },
    });
    expect(seen.find((entry) => entry.manager === 'new')).toMatchObject({ apiVersion: 'autoscaling/v2', operation: 'Update' });
    const conflict = await apply(v1, 'old', {
      ...old,
      spec: { scaleTargetRef: target, maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
    });
    expect([conflict.status, conflict.json['message']]).toEqual([
      409,
      'Apply failed with 1 conflict: conflict with "new" using autoscaling/v2: .spec.metrics',
    ]);
  });
});

describe('managed fields', () => {
  it('of a status and of a scale are entries of their own', async () => {
    const url = '/apis/apps/v1/namespaces/default/deployments';
    const labels = { app: 'x' };
    const spec = {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'x' }] } },
    };
    await ask(api, 'POST', `${url}?fieldManager=maker`, { body: JSON.stringify({ metadata: { name: 'd' }, spec }) });
    const merge = { contentType: 'application/merge-patch+json' };
    await ask(api, 'PATCH', `${url}/d/status?fieldManager=loop`, { ...merge, body: JSON.stringify({ status: { replicas: 2 } }) });
    const scaled = await ask(api, 'PATCH', `${url}/d/scale?fieldManager=scaler`, {
      ...merge,
      body: JSON.stringify({ spec: { replicas: 4 } }),
    });
    expect(scaled.status).toBe(200);
    const seen = entries(await ask(api, 'GET', `${url}/d`));
    expect(seen.map((entry) => [entry.manager, entry.subresource]).sort()).toEqual([
      ['loop', 'status'],
      ['maker', undefined],
      ['scaler', 'scale'],
    ]);
    expect(seen.find((entry) => entry.manager === 'scaler')?.fieldsV1).toEqual({ 'f:spec': { 'f:replicas': {} } });
    expect(seen.find((entry) => entry.manager === 'maker')?.fieldsV1['f:spec']).not.toHaveProperty('f:replicas');
    const conflict = await apply(`${url}/d`, 'applier', { apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: 1 } });
    expect(conflict.json['message']).toBe(
      'Apply failed with 1 conflict: conflict with "scaler" with subresource "scale" using apps/v1: .spec.replicas',
    );
  });

  it('are forgotten on request, and begin again with the first apply', async () => {
    const url = `${collection}/reset`;
    await ask(api, 'POST', collection, { body: JSON.stringify({ metadata: { name: 'reset' }, data: { a: '1' } }) });
    const body = JSON.stringify([{ op: 'replace', path: '/metadata/managedFields', value: [{}] }]);
    const reset = await ask(api, 'PATCH', url, { body, contentType: 'application/json-patch+json' });
    expect(entries(reset)).toEqual([]);
    const applied = await apply(url, 'one', configMap({ a: '1', b: '2' }));
    expect(entries(applied).map((entry) => [entry.manager, entry.operation])).toEqual([
      ['one', 'Apply'],
      ['before-first-apply', 'Update'],
    ]);
  });

  it.each([
    [
      'CreateOptions',
      'POST',
      collection,
      'fieldManager=%01',
      'fieldManager: Invalid value: "\\u0001": should only contain printable characters',
    ],
    ['CreateOptions', 'POST', collection, `fieldManager=${'m'.repeat(129)}`, 'fieldManager: Too long: may not be more than 128 bytes'],
    ['CreateOptions', 'POST', collection, 'dryRun=Some', 'dryRun: Unsupported value: ["Some"]: supported values: "All"'],
    ['PatchOptions', 'PATCH', `${collection}/x`, 'force=true', 'force: Forbidden: may not be specified for non-apply patch'],
    [
      'UpdateOptions',
      'PUT',
      `${collection}/x`,
      'fieldValidation=Most',
      'fieldValidation: Unsupported value: "Most": supported values: "", "Ignore", "Strict", "Warn"',
    ],
  ] as const)('%s are validated', async (kind, method, url, query, message) => {
    const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const { status, json } = await ask(api, method, `${url}?${query}`, { body: '{"metadata":{"name":"x"}}', contentType });
    expect([status, json['message']]).toEqual([422, `${kind}.meta.k8s.io "" is invalid: ${message}`]);
  });
});
