import { resources, statusOf } from '@bayplan/api';
import type { Pod, ResourceQuota } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';

let api: TestApiServer;
let admin: Client;
let count = 0;
let namespace = '';

beforeAll(async () => {
  api = await startTestApiServer({ listen: false });
  admin = createClient(api.admin);
});
afterAll(() => api.close());
beforeEach(async () => {
  namespace = `n${(++count).toString()}`;
  await admin.create(resources.namespaces, { metadata: { name: namespace } });
  await admin.create(resources.serviceAccounts, { metadata: { name: 'default', namespace } });
});

/** A quota whose use has been counted, as the controller leaves it. */
const quota = async (name: string, hard: Record<string, string>, used: Record<string, string>, spec: object = {}): Promise<void> => {
  const made = await admin.create(resources.resourceQuotas, { metadata: { name, namespace }, spec: { hard, ...spec } });
  await admin.update(resources.resourceQuotas, { ...made, status: { hard, used } } as ResourceQuota, { subresource: 'status' });
};
const usedOf = async (name: string) => (await admin.get(resources.resourceQuotas, { namespace, name })).status?.used;
const pod = (name: string, extra: Partial<Pod['spec']> = {}, cpu = '1'): Pod => ({
  metadata: { name, namespace },
  spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu }, limits: { cpu } } }], ...extra },
});
const refusal = async (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => expect.fail('should have been refused'),
    (error: unknown) => statusOf(error)?.message,
  );

it('charges what is created and refuses what does not fit', async () => {
  await quota('q', { pods: '3', 'limits.cpu': '5', 'count/configmaps': '1' }, { pods: '2', 'limits.cpu': '3', 'count/configmaps': '0' });
  await admin.create(resources.pods, pod('a'));
  expect(await usedOf('q')).toEqual({ pods: '3', 'limits.cpu': '4', 'count/configmaps': '0' });
  expect(await refusal(admin.create(resources.pods, pod('b', {}, '2')))).toBe(
    'pods "b" is forbidden: exceeded quota: q, requested: limits.cpu=2,pods=1, used: limits.cpu=4,pods=3, limited: limits.cpu=5,pods=3',
  );
  expect(
    await refusal(admin.create(resources.pods, { metadata: { name: 'c', namespace }, spec: { containers: [{ name: 'c', image: 'i' }] } })),
  ).toBe('pods "c" is forbidden: failed quota: q: must specify limits.cpu for: c');
  await admin.create(resources.configMaps, { metadata: { name: 'one', namespace } });
  expect(await refusal(admin.create(resources.configMaps, { metadata: { name: 'two', namespace } }))).toBe(
    'configmaps "two" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=1, limited: count/configmaps=1',
  );
});

it('never gives out more than there is, to fifty at once', async () => {
  await quota('q', { pods: '20' }, { pods: '0' });
  const names = Array.from({ length: 50 }, (_, index) => `p${index.toString()}`);
  const outcomes = await Promise.allSettled(names.map((name) => admin.create(resources.pods, pod(name))));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
  expect((await admin.list(resources.pods, { namespace })).items).toHaveLength(20);
  expect(await usedOf('q')).toEqual({ pods: '20' });
});

it('charges all quotas concerned or none, by their scopes', async () => {
  await quota('all', { pods: '9' }, { pods: '0' });
  await quota('best', { pods: '0' }, { pods: '0' }, { scopes: ['BestEffort'] });
  await quota('timed', { pods: '5' }, { pods: '0' }, { scopes: ['Terminating'] });
  expect(
    await refusal(admin.create(resources.pods, { metadata: { name: 'b', namespace }, spec: { containers: [{ name: 'c', image: 'i' }] } })),
  ).toContain('exceeded quota: best, requested: pods=1');
  await admin.create(resources.pods, pod('a', { activeDeadlineSeconds: 5 }));
  await admin.create(resources.pods, pod('b'));
  expect([await usedOf('all'), await usedOf('best'), await usedOf('timed')]).toEqual([{ pods: '2' }, { pods: '0' }, { pods: '1' }]);
});

it('charges updates for what they add, and dry runs not at all', async () => {
  await quota('q', { 'services.nodeports': '2', services: '5' }, { 'services.nodeports': '0', services: '0' });
  const service = { metadata: { name: 's', namespace }, spec: { type: 'NodePort', ports: [{ port: 1 }] } };
  await admin.create(resources.services, service, { dryRun: true });
  expect(await usedOf('q')).toEqual({ 'services.nodeports': '0', services: '0' });
  const made = await admin.create(resources.services, service);
  const ports = [...(made.spec?.ports ?? []), { name: 'b', port: 2 }, { name: 'c', port: 3 }].map((port, index) => ({
    ...port,
    name: `p${index.toString()}`,
  }));
  expect(await refusal(admin.update(resources.services, { ...made, spec: { ...made.spec, ports } }))).toContain(
    'exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=1, limited: services.nodeports=2',
  );
  await admin.update(resources.services, { ...made, spec: { ...made.spec, ports: ports.slice(0, 2) } });
  expect(await usedOf('q')).toEqual({ 'services.nodeports': '2', services: '1' });
});

it('waits for a quota to be counted before it holds anybody to it', async () => {
  await admin.create(resources.resourceQuotas, { metadata: { name: 'new', namespace }, spec: { hard: { pods: '0' } } });
  await admin.create(resources.pods, pod('a'));
  const made = await admin.get(resources.resourceQuotas, { namespace, name: 'new' });
  await admin.update(resources.resourceQuotas, { ...made, status: { hard: { pods: '0' } } } as ResourceQuota, { subresource: 'status' });
  expect(await refusal(admin.create(resources.pods, pod('b')))).toBe(
    'pods "b" is forbidden: status unknown for quota: new, resources: pods',
  );
});
