import { resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';

let api: TestApiServer;
let admin: Client;

beforeAll(async () => {
  api = await startTestApiServer({ listen: false });
  admin = createClient(api.admin);
  await admin.create(resources.serviceAccounts, { metadata: { name: 'default', namespace: 'default' } });
});
afterAll(() => api.close());

const labels = { app: 'a' };
const pod = { containers: [{ name: 'c', image: 'i' }] };
const spec = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } };
const image = { spec: { template: { spec: { containers: [{ name: 'c', image: 'j' }] } } } };
const key = { name: 'x', namespace: 'default' };

it("counts a Deployment's annotations, but the one of its controller", async () => {
  await admin.create(resources.deployments, { metadata: key, spec });
  const generationAfter = async (annotations: Record<string, string>): Promise<number | undefined> =>
    (await admin.patch(resources.deployments, key, 'merge', { metadata: { annotations } })).metadata.generation;
  expect(await generationAfter({ 'deployment.kubernetes.io/revision': '1' })).toBe(1);
  expect(await generationAfter({ a: 'b' })).toBe(2);
  expect(await generationAfter({ a: 'b' })).toBe(2);
});

it('counts templates of a DaemonSet, whatever a client says', async () => {
  const annotation = 'deprecated.daemonset.template.generation';
  const made = await admin.create(resources.daemonSets, { metadata: key, spec });
  expect(made.metadata.annotations?.[annotation]).toBe('1');
  const claimed = { metadata: { annotations: { [annotation]: '9' } } };
  expect((await admin.patch(resources.daemonSets, key, 'merge', claimed)).metadata.annotations?.[annotation]).toBe('1');
  const changed = await admin.patch(resources.daemonSets, key, 'merge', image);
  expect(changed.metadata).toMatchObject({ generation: 2, annotations: { [annotation]: '2' } });
});

it('tells of gates from the start, and drops fields of features that are off', async () => {
  const container = { name: 'c', image: 'i', lifecycle: { stopSignal: 'SIGUSR1' as const } };
  const gated = { os: { name: 'linux' as const }, schedulingGates: [{ name: 'example.com/g' }], containers: [container] };
  const made = await admin.create(resources.pods, { metadata: key, spec: gated });
  expect(made.status?.conditions).toMatchObject([{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }]);
  expect(made.spec?.containers[0]?.lifecycle).toEqual({});
});
