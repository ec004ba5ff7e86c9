import { resources, statusOf } from '@bayplan/api';
import type { LimitRangeItem, Node, PersistentVolumeClaim, Pod, PodSpec } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';

let api: TestApiServer;
let admin: Client;
let count = 0;
let namespace = '';

beforeAll(async () => {
  api = await startTestApiServer({ listen: false, admission: {} });
  admin = createClient(api.admin);
});
afterAll(() => api.close());
beforeEach(async () => {
  namespace = `n${(++count).toString()}`;
  await admin.create(resources.namespaces, { metadata: { name: namespace } });
  await admin.create(resources.serviceAccounts, { metadata: { name: 'default', namespace } });
});

const pod = (name: string, spec: Partial<PodSpec> = {}, metadata: Partial<Pod['metadata']> = {}): Pod => ({
  metadata: { name, namespace, ...metadata },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
});
const refusal = async (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => expect.fail('should have been refused'),
    (error: unknown) => statusOf(error)?.message,
  );

describe('LimitRanger', () => {
  const range = (item: LimitRangeItem) =>
    admin.create(resources.limitRanges, { metadata: { name: 'r', namespace }, spec: { limits: [item] } });
  const container = (requests: Record<string, string>, limits: Record<string, string>): Partial<PodSpec> => ({
    containers: [{ name: 'c', image: 'i', resources: { requests, limits } }],
  });

  it('fills in defaults and says so', async () => {
    await range({ type: 'Container', default: { cpu: '500m', memory: '1Gi' }, defaultRequest: { cpu: '100m' } });
    const made = await admin.create(resources.pods, pod('a'));
    expect(made.spec?.containers[0]?.resources).toEqual({
      limits: { cpu: '500m', memory: '1Gi' },
      requests: { cpu: '100m', memory: '1Gi' },
    });
    expect(made.metadata.annotations?.['kubernetes.io/limit-ranger']).toBe(
      'LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c',
    );
  });

  it('refuses too little, too much and too far apart', async () => {
    await range({ type: 'Container', min: { cpu: '100m' }, max: { cpu: '1' }, maxLimitRequestRatio: { cpu: '2' } });
    expect(await refusal(admin.create(resources.pods, pod('a', container({ cpu: '50m' }, { cpu: '80m' }))))).toBe(
      'pods "a" is forbidden: minimum cpu usage per Container is 100m, but request is 50m',
    );
    expect(await refusal(admin.create(resources.pods, pod('a', container({ cpu: '200m' }, { cpu: '2' }))))).toBe(
      'pods "a" is forbidden: [maximum cpu usage per Container is 1, but limit is 2, cpu max limit to request ratio per Container is 2, but provided ratio is 10.000000]',
    );
  });

  it('bounds claims', async () => {
    await range({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } });
    const claim = {
      metadata: { name: 'c', namespace },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '3Gi' } } },
    };
    expect(await refusal(admin.create(resources.persistentVolumeClaims, claim))).toBe(
      'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
    );
  });
});

describe('storage', () => {
  const claim = (name: string, spec: object = {}): PersistentVolumeClaim => ({
    metadata: { name, namespace },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  });

  it('gives claims the newest default class and protection', async () => {
    for (const name of ['a', 'b']) {
      await admin.create(resources.storageClasses, {
        metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
        provisioner: 'x',
      });
    }
    const made = await admin.create(resources.persistentVolumeClaims, claim('c'));
    expect(['a', 'b']).toContain(made.spec?.storageClassName);
    expect(made.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
    expect((await admin.create(resources.persistentVolumeClaims, claim('none', { storageClassName: '' }))).spec?.storageClassName).toBe('');
  });

  it('lets only bound claims of classes that allow it grow', async () => {
    await admin.create(resources.storageClasses, { metadata: { name: 'fixed' }, provisioner: 'x' });
    const made = await admin.create(resources.persistentVolumeClaims, claim('c', { storageClassName: 'fixed', volumeName: 'v' }));
    const larger = { ...made, spec: { ...made.spec, resources: { requests: { storage: '2Gi' } } } };
    // Validation may speak first; neither lets it grow.
    expect(await refusal(admin.update(resources.persistentVolumeClaims, larger))).toMatch(/bound/);
    const bound = await admin.update(resources.persistentVolumeClaims, { ...made, status: { phase: 'Bound' } }, { subresource: 'status' });
    expect(await refusal(admin.update(resources.persistentVolumeClaims, { ...larger, metadata: bound.metadata }))).toBe(
      'persistentvolumeclaims "c" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    );
  });
});

it('ingresses get the default class', async () => {
  await admin.create(resources.ingressClasses, {
    metadata: { name: 'main', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    spec: { controller: 'x.io/y' },
  });
  const backend = { service: { name: 's', port: { number: 80 } } };
  const made = await admin.create(resources.ingresses, { metadata: { name: 'i', namespace }, spec: { defaultBackend: backend } });
  expect(made.spec?.ingressClassName).toBe('main');
});

it('new nodes take no pods yet, and pods learn their zone', async () => {
  const node: Node = { metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/zone': 'z1', other: 'x' } } };
  const made = await admin.create(resources.nodes, node);
  expect(made.spec?.taints).toEqual([{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
  await admin.create(resources.pods, pod('p'));
  await admin.createSubresource(resources.pods, { namespace, name: 'p' }, 'binding', {
    metadata: { name: 'p' },
    target: { kind: 'Node', name: 'node-1' },
  });
  expect((await admin.get(resources.pods, { namespace, name: 'p' })).metadata.labels).toEqual({ 'topology.kubernetes.io/zone': 'z1' });
});

describe('priority and runtime classes', () => {
  it('there is one default priority class', async () => {
    const priorityClass = (name: string) => ({ metadata: { name }, value: 5, globalDefault: true });
    await admin.create(resources.priorityClasses, priorityClass('one'));
    expect(await refusal(admin.create(resources.priorityClasses, priorityClass('two')))).toBe(
      'priorityclasses.scheduling.k8s.io "two" is forbidden: PriorityClass one is already marked as default. Only one default can exist',
    );
    expect((await admin.create(resources.pods, pod('p'))).spec).toMatchObject({ priority: 5, priorityClassName: 'one' });
    expect(await refusal(admin.create(resources.pods, pod('q', { priority: 7 })))).toContain(
      'the integer value of priority (7) must not be provided',
    );
    await admin.delete(resources.priorityClasses, { name: 'one' });
  });

  it('overhead and placement are the class’s', async () => {
    await admin.create(resources.runtimeClasses, {
      metadata: { name: 'vm' },
      handler: 'vm',
      overhead: { podFixed: { memory: '10Mi' } },
      scheduling: { nodeSelector: { vm: 'yes' }, tolerations: [{ key: 'vm', operator: 'Exists' }] },
    });
    const made = await admin.create(resources.pods, pod('p', { runtimeClassName: 'vm', tolerations: [{ key: 'vm', operator: 'Exists' }] }));
    expect(made.spec).toMatchObject({ overhead: { memory: '10Mi' }, nodeSelector: { vm: 'yes' } });
    expect(made.spec?.tolerations?.filter((one) => one.key === 'vm')).toHaveLength(1);
    expect(await refusal(admin.create(resources.pods, pod('q', { runtimeClassName: 'vm', nodeSelector: { vm: 'no' } })))).toBe(
      'pods "q" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no',
    );
    expect(await refusal(admin.create(resources.pods, pod('r', { overhead: { cpu: '1' } })))).toContain(
      'Pod Overhead set without corresponding RuntimeClass defined Overhead',
    );
  });
});

describe('NodeRestriction', () => {
  const agent = (): Client => createClient(api.as({ name: 'system:node:node-2', groups: ['system:nodes'] }));

  it('lets a node describe itself and nothing more', async () => {
    const labels = { 'kubernetes.io/hostname': 'node-2', 'node-role.kubernetes.io/x': '', 'a.io/b': 'c' };
    expect(await refusal(agent().create(resources.nodes, { metadata: { name: 'node-2', labels } }))).toBe(
      'nodes "node-2" is forbidden: node "node-2" is not allowed to set the following labels: node-role.kubernetes.io/x',
    );
    const made = await agent().create(resources.nodes, { metadata: { name: 'node-2', labels: { 'a.io/b': 'c' } } });
    expect(await refusal(agent().update(resources.nodes, { ...made, spec: { ...made.spec, taints: [] } }))).toBe(
      'nodes "node-2" is forbidden: node "node-2" is not allowed to modify taints',
    );
    expect(await refusal(agent().create(resources.nodes, { metadata: { name: 'node-3' } }))).toBe(
      'nodes "node-3" is forbidden: node "node-2" is not allowed to modify node "node-3"',
    );
  });

  it('lets a node make mirror pods of its own only', async () => {
    const annotations = { 'kubernetes.io/config.mirror': 'x' };
    expect(await refusal(agent().create(resources.pods, pod('p', { nodeName: 'node-2' })))).toContain('can only create mirror pods');
    expect(await refusal(agent().create(resources.pods, pod('p', { nodeName: 'node-2' }, { annotations })))).toBe(
      'pods "p" is forbidden: node "node-2" can only create pods with an owner reference set to itself',
    );
    const uid = (await admin.get(resources.nodes, { name: 'node-2' })).metadata.uid ?? '';
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: 'node-2', uid, controller: true }];
    const volumes = [{ name: 'v', secret: { secretName: 's' } }];
    expect(await refusal(agent().create(resources.pods, pod('p', { nodeName: 'node-2', volumes }, { annotations, ownerReferences })))).toBe(
      'pods "p" is forbidden: a mirror pod may not reference secrets',
    );
    await agent().create(resources.pods, pod('p', { nodeName: 'node-2' }, { annotations, ownerReferences }));
  });
});
