import { resources } from '@bayplan/api';
import type { Container, Pod } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';

const at = { namespace: 'default', name: 'p' };
const cpu = (amount: string): Pick<Container, 'resources'> => ({ resources: { requests: { cpu: amount } } });
const a: Container = { name: 'a', image: 'i', ...cpu('1') };
const b: Container = { name: 'b', image: 'i', ...cpu('1') };
const sidecar: Container = { name: 's', image: 'i', restartPolicy: 'Always', ...cpu('1') };

const renamed = (list: string, index: number): string =>
  `spec.${list}[${index}].name: Forbidden: ${list} may not be renamed or reordered on resize`;
const counted = (list: string): string => `spec.${list}: Forbidden: ${list} may not be added or removed on resize`;

describe('a resize of a pod', () => {
  let api: TestApiServer;
  let admin: Client;
  let stored: Pod;

  beforeAll(async () => {
    api = await startTestApiServer({ listen: false });
    admin = createClient(api.admin);
    await admin.create(resources.serviceAccounts, { metadata: { name: 'default', namespace: 'default' } });
    stored = await admin.create(resources.pods, { metadata: at, spec: { containers: [a, b], initContainers: [sidecar] } });
  });
  afterAll(() => api.close());

  it.each<[what: string, spec: object, ...faults: string[]]>([
    ['renames a container', { containers: [{ ...a, name: 'z' }, b] }, renamed('containers', 0)],
    ['swaps two', { containers: [b, a] }, renamed('containers', 0), renamed('containers', 1)],
    ['adds one', { containers: [a, b, { ...b, name: 'c' }] }, counted('containers')],
    ['removes one', { containers: [a] }, counted('containers')],
    ['renames a sidecar', { initContainers: [{ ...sidecar, name: 'z' }] }, renamed('initContainers', 0)],
    ['adds a sidecar', { initContainers: [sidecar, { ...sidecar, name: 'z' }] }, counted('initContainers')],
    ['removes all sidecars', { initContainers: null }, counted('initContainers')],
  ])('that %s is refused and changes nothing', async (_, spec, ...faults) => {
    const refused = admin.patch(resources.pods, at, 'merge', { spec }, { subresource: 'resize' });
    for (const fault of faults) await expect(refused).rejects.toThrow(fault);
    await expect(refused).rejects.toMatchObject({ status: { code: 422 } });
    expect((await admin.get(resources.pods, at)).metadata.resourceVersion).toBe(stored.metadata.resourceVersion);
  });

  it('takes a strategic patch for a container that does not exist as one that adds it', async () => {
    const patch = { spec: { containers: [{ name: 'z', image: 'i', ...cpu('2') }] } };
    const refused = admin.patch(resources.pods, at, 'strategic', patch, { subresource: 'resize' });
    await expect(refused).rejects.toThrow(counted('containers'));
  });

  it('changes amounts and policies, and nothing else', async () => {
    const policy = [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }];
    const containers = [{ ...a, image: 'other', ...cpu('2'), resizePolicy: policy }, b];
    const initContainers = [{ ...sidecar, ...cpu('3') }];
    const spec = { containers, initContainers, nodeName: 'elsewhere', activeDeadlineSeconds: 5 };
    await admin.patch(resources.pods, at, 'merge', { spec }, { subresource: 'resize' });
    const { spec: now } = await admin.get(resources.pods, at);
    expect(now?.containers[0]).toMatchObject({ name: 'a', image: 'i', ...cpu('2'), resizePolicy: policy });
    expect(now?.containers[1]).toEqual(stored.spec?.containers[1]);
    expect(now?.initContainers?.[0]).toMatchObject({ name: 's', image: 'i', ...cpu('3') });
    expect(now).not.toHaveProperty('nodeName');
    expect(now).not.toHaveProperty('activeDeadlineSeconds');
  });
});
