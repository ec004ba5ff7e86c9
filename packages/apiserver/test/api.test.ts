import { isAlreadyExists, isConflict, isExpired, isForbidden, isInvalid, isNotFound, resources, statusOf } from '@bayplan/api';
import type { ConfigMap, KubeObject, Pod } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../src/testing/index.ts';
import type { TestApiServer } from '../src/testing/index.ts';

let api: TestApiServer;
let client: Client;

beforeAll(async () => {
  api = await startTestApiServer({ listen: false });
  client = createClient(api.admin);
  await client.create(resources.serviceAccounts, { metadata: { name: 'default', namespace: 'default' } });
});
afterAll(() => api.close());

const configMap = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) => ({
  metadata: { name, namespace: 'default', labels },
  data,
});
const pod = (name: string): Pod & { metadata: NonNullable<Pod['metadata']> } => ({
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'busybox' }] },
});
const key = (name: string) => ({ namespace: 'default', name });
const failure = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.fail('should have failed'),
    (error: unknown) => error,
  );

describe('create', () => {
  it('sets what only the server may set', async () => {
    const made = await client.create(resources.configMaps, configMap('create-1', { a: 'b' }));
    expect(made.metadata).toMatchObject({
      name: 'create-1',
      namespace: 'default',
      uid: expect.any(String) as string,
      resourceVersion: expect.stringMatching(/^\d+$/) as string,
    });
    expect(made.metadata?.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(await client.get(resources.configMaps, key('create-1'))).toEqual(made);
  });

  it('starts status at zero, whatever was sent', async () => {
    const made = await client.create(resources.persistentVolumeClaims, {
      metadata: { name: 'claim', namespace: 'default' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      status: { phase: 'Bound' },
    });
    expect(made.status).toEqual({ phase: 'Pending' });
    const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'x' }] } };
    const set = {
      metadata: { name: 'set', namespace: 'default' },
      spec: { selector: { matchLabels: { app: 'x' } }, serviceName: 'x', template },
    };
    expect((await client.create(resources.statefulSets, set)).status).toEqual({ replicas: 0, availableReplicas: 0 });
  });

  it('refuses a second of the same name', async () => {
    await client.create(resources.configMaps, configMap('twice'));
    expect(isAlreadyExists(await failure(client.create(resources.configMaps, configMap('twice'))))).toBe(true);
  });

  it('generates names', async () => {
    const made = await client.create(resources.configMaps, { metadata: { generateName: 'gen-', namespace: 'default' } });
    expect(made.metadata?.name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  it('answers every fault at once', async () => {
    const error = await failure(
      client.create(resources.pods, {
        metadata: { name: 'Bad_Name', namespace: 'default' },
        spec: { containers: [{ name: 'X' }] },
      } as unknown as KubeObject),
    );
    expect(isInvalid(error)).toBe(true);
    const fields = statusOf(error)?.details?.causes?.map((cause) => cause.field) ?? [];
    expect(fields).toContain('metadata.name');
    expect(fields).toContain('spec.containers[0].name');
  });

  it('needs a namespace that is there', async () => {
    const error = await failure(client.create(resources.configMaps, { metadata: { name: 'a', namespace: 'nowhere' } }));
    expect(isNotFound(error)).toBe(true);
  });

  it('writes nothing in a dry run', async () => {
    const made = await client.create(resources.configMaps, configMap('dry'), { dryRun: true });
    expect(made.metadata?.uid).toBeDefined();
    expect(isNotFound(await failure(client.get(resources.configMaps, key('dry'))))).toBe(true);
  });

  it('defaults and admits pods as Kubernetes does', async () => {
    const made = await client.create(resources.pods, pod('admitted'));
    expect(made.spec).toMatchObject({
      serviceAccountName: 'default',
      priority: 0,
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
    });
    expect(made.spec?.tolerations).toHaveLength(2);
    expect(made.spec?.volumes?.[0]?.projected?.sources).toHaveLength(3);
    expect(made.spec?.containers[0]?.volumeMounts?.[0]?.mountPath).toBe('/var/run/secrets/kubernetes.io/serviceaccount');
    expect(made.status).toMatchObject({ phase: 'Pending', qosClass: 'BestEffort' });
    expect(made.metadata?.generation).toBe(1);
  });
});

describe('update and patch', () => {
  it('guards by resourceVersion', async () => {
    const made = await client.create(resources.configMaps, configMap('lock', { a: '1' }));
    await client.update(resources.configMaps, { ...made, data: { a: '2' } } as ConfigMap & KubeObject);
    const error = await failure(client.update(resources.configMaps, { ...made, data: { a: '3' } } as ConfigMap & KubeObject));
    expect(isConflict(error)).toBe(true);
  });

  it('does not write what does not change', async () => {
    const made = await client.create(resources.configMaps, configMap('same', { a: '1' }));
    const again = await client.update(resources.configMaps, structuredClone(made) as ConfigMap & KubeObject);
    expect(again.metadata?.resourceVersion).toBe(made.metadata?.resourceVersion);
  });

  it('loses no concurrent patch', async () => {
    await client.create(resources.configMaps, configMap('race'));
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => client.patch(resources.configMaps, key('race'), 'merge', { data: { [`k${index}`]: 'v' } })),
    );
    expect(Object.keys((await client.get(resources.configMaps, key('race'))).data ?? {})).toHaveLength(20);
  });

  it('merges lists by key in a strategic patch', async () => {
    await client.create(resources.pods, pod('strategic'));
    const next = await client.patch(resources.pods, key('strategic'), 'strategic', {
      spec: { containers: [{ name: 'c', image: 'other' }] },
    });
    expect(next.spec?.containers).toHaveLength(1);
    expect(next.spec?.containers[0]).toMatchObject({ image: 'other', terminationMessagePath: '/dev/termination-log' });
  });

  it('applies, and names the owner of a conflict', async () => {
    const body = (replicas: number) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'applied' },
      data: { replicas: replicas.toString() },
    });
    await client.patch(resources.configMaps, key('applied'), 'apply', body(1), { fieldManager: 'one' });
    const error = await failure(client.patch(resources.configMaps, key('applied'), 'apply', body(2), { fieldManager: 'two' }));
    expect(isConflict(error)).toBe(true);
    expect(statusOf(error)?.details?.causes?.[0]?.message).toContain('"one"');
    const forced = await client.patch(resources.configMaps, key('applied'), 'apply', body(2), { fieldManager: 'two', force: true });
    expect(forced.data).toEqual({ replicas: '2' });
  });

  it('keeps spec and status apart', async () => {
    const made = await client.create(resources.pods, pod('apart'));
    const status = await client.patch(
      resources.pods,
      key('apart'),
      'merge',
      { spec: { nodeName: 'n' }, status: { phase: 'Running' } },
      { subresource: 'status' },
    );
    expect(status.status?.phase).toBe('Running');
    expect(status.spec?.nodeName).toBeUndefined();
    expect(status.metadata?.generation).toBe(made.metadata?.generation);
    const main = await client.patch(resources.pods, key('apart'), 'merge', {
      metadata: { labels: { a: 'b' } },
      status: { phase: 'Failed' },
    });
    expect(main.status?.phase).toBe('Running');
  });
});

describe('list and watch', () => {
  it('selects by label and field, and pages', async () => {
    for (const name of ['l1', 'l2', 'l3']) await client.create(resources.configMaps, configMap(name, {}, { set: 'list' }));
    const all = await client.list(resources.configMaps, { namespace: 'default', labelSelector: 'set=list' });
    expect(all.items.map((item) => item.metadata?.name)).toEqual(['l1', 'l2', 'l3']);
    const one = await client.list(resources.configMaps, { fieldSelector: 'metadata.name=l2' });
    expect(one.items).toHaveLength(1);
    const first = await client.list(resources.configMaps, { labelSelector: 'set=list', limit: 2 });
    expect(first.items).toHaveLength(2);
    await client.create(resources.configMaps, configMap('l4', {}, { set: 'list' }));
    const rest = await client.list(resources.configMaps, { labelSelector: 'set=list', limit: 2, continue: first.metadata.continue ?? '' });
    expect(rest.items.map((item) => item.metadata?.name)).toEqual(['l3']);
  });

  it('shows objects that come to match and cease to', async () => {
    const abort = new AbortController();
    const start = await client.list(resources.configMaps, {});
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of client.watch(resources.configMaps, {
        labelSelector: 'w=1',
        resourceVersion: start.metadata.resourceVersion ?? '',
        signal: abort.signal,
      })) {
        seen.push(`${event.type} ${event.object.metadata?.name ?? ''}`);
        if (event.type === 'DELETED' && event.object.metadata?.name === 'w2') abort.abort();
      }
    })();
    await client.create(resources.configMaps, configMap('w1'));
    await client.patch(resources.configMaps, key('w1'), 'merge', { metadata: { labels: { w: '1' } } });
    await client.patch(resources.configMaps, key('w1'), 'merge', { data: { a: 'b' } });
    await client.patch(resources.configMaps, key('w1'), 'merge', { metadata: { labels: { w: '2' } } });
    await client.create(resources.configMaps, configMap('w2', {}, { w: '1' }));
    await client.delete(resources.configMaps, key('w2'));
    await watching;
    expect(seen).toEqual(['ADDED w1', 'MODIFIED w1', 'DELETED w1', 'ADDED w2', 'DELETED w2']);
  });

  it('begins with the present state and says when that is over', async () => {
    const abort = new AbortController();
    const types: string[] = [];
    const options = {
      allowWatchBookmarks: true,
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan' as const,
      signal: abort.signal,
    };
    for await (const event of client.watch(resources.namespaces, options)) {
      types.push(event.type);
      if (event.type === 'BOOKMARK') {
        expect(event.object.metadata?.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
        abort.abort();
      }
    }
    expect(types.filter((type) => type === 'ADDED').length).toBeGreaterThanOrEqual(4);
  });

  it('says Expired for a revision that is forgotten', async () => {
    await api.store.compact(await api.store.currentRevision());
    const error = await failure(
      (async () => {
        for await (const event of client.watch(resources.configMaps, { resourceVersion: '1' })) expect.fail(event.type);
      })(),
    );
    expect(isExpired(error)).toBe(true);
  });
});

describe('delete', () => {
  it('waits for finalizers', async () => {
    await client.create(resources.configMaps, { metadata: { name: 'held', namespace: 'default', finalizers: ['example.com/hold'] } });
    await client.delete(resources.configMaps, key('held'));
    const held = await client.get(resources.configMaps, key('held'));
    expect(held.metadata?.deletionTimestamp).toBeDefined();
    await client.patch(resources.configMaps, key('held'), 'merge', { metadata: { finalizers: null } });
    expect(isNotFound(await failure(client.get(resources.configMaps, key('held'))))).toBe(true);
  });

  it('gives bound pods their grace, and ends when the node says so', async () => {
    await client.create(resources.pods, pod('graceful'));
    await client.createSubresource(resources.pods, key('graceful'), 'binding', {
      metadata: { name: 'graceful' },
      target: { kind: 'Node', name: 'n1' },
    });
    await client.delete(resources.pods, key('graceful'));
    const dying = await client.get(resources.pods, key('graceful'));
    expect(dying.metadata?.deletionGracePeriodSeconds).toBe(30);
    await client.delete(resources.pods, key('graceful'), { gracePeriodSeconds: 0 });
    expect(isNotFound(await failure(client.get(resources.pods, key('graceful'))))).toBe(true);
  });

  it('deletes unbound pods at once', async () => {
    await client.create(resources.pods, pod('unbound'));
    await client.delete(resources.pods, key('unbound'));
    expect(isNotFound(await failure(client.get(resources.pods, key('unbound'))))).toBe(true);
  });

  it('checks preconditions', async () => {
    await client.create(resources.configMaps, configMap('guarded'));
    expect(isConflict(await failure(client.delete(resources.configMaps, key('guarded'), { preconditions: { uid: 'other' } })))).toBe(true);
  });

  it('keeps the namespaces of the cluster', async () => {
    expect(isForbidden(await failure(client.delete(resources.namespaces, { name: 'kube-system' })))).toBe(true);
  });

  it('marks a namespace and closes it', async () => {
    await client.create(resources.namespaces, { metadata: { name: 'going' } });
    await client.delete(resources.namespaces, { name: 'going' });
    const going = await client.get(resources.namespaces, { name: 'going' });
    expect(going.status?.phase).toBe('Terminating');
    const error = await failure(client.create(resources.configMaps, { metadata: { name: 'late', namespace: 'going' } }));
    expect(statusOf(error)?.details?.causes?.[0]?.reason).toBe('NamespaceTerminating');
    await client.update(resources.namespaces, { ...going, spec: { finalizers: [] } } as typeof going & KubeObject, {
      subresource: 'finalize',
    });
    expect(isNotFound(await failure(client.get(resources.namespaces, { name: 'going' })))).toBe(true);
  });
});

describe('bindings', () => {
  it('bind once', async () => {
    await client.create(resources.pods, pod('bound'));
    const bind = (node: string) =>
      client.createSubresource(resources.pods, key('bound'), 'binding', {
        metadata: { name: 'bound' },
        target: { kind: 'Node', name: node },
      });
    await bind('a');
    expect(isConflict(await failure(bind('b')))).toBe(true);
    const found = await client.list(resources.pods, { fieldSelector: 'spec.nodeName=a' });
    expect(found.items.map((item) => item.metadata?.name)).toEqual(['bound']);
  });
});

describe('secrets', () => {
  it('lie encrypted in the store', async () => {
    await client.create(resources.secrets, {
      metadata: { name: 's', namespace: 'default' },
      data: { k: Buffer.from('very-secret').toString('base64') },
    });
    const { item } = await api.store.get('/registry/core/secrets/default/s');
    expect(item?.value.toString('latin1')).not.toContain(Buffer.from('very-secret').toString('base64'));
    expect((await client.get(resources.secrets, key('s'))).data?.['k']).toBe(Buffer.from('very-secret').toString('base64'));
  });
});
