import { etcdMissing, startEtcd } from '@bayplan/store/testing';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestCluster } from './support/cluster.ts';
import type { TestCluster } from './support/cluster.ts';

interface Summary {
  readonly objects: number;
  readonly revision: number;
  readonly restoredRevision: number;
  readonly source: string;
  readonly bootstrapSecretFile: string;
}

const ports = ['--port', '26461', '--node-port', '26462'];
const objects = JSON.stringify({
  apiVersion: 'v1',
  kind: 'List',
  items: [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kept' } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'plain', namespace: 'kept' }, data: { a: 'b' } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'sealed', namespace: 'kept' }, stringData: { password: 'swordfish' } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'kept' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'example.test/web:v1' }] } },
      },
    },
  ],
});

/** A cluster with a simulated node needs neither root nor containers. */
describe.each([
  ['embedded', undefined],
  ['etcd', etcdMissing],
] as const)('a snapshot of a cluster on the %s store', (backend, missing) => {
  describe.skipIf(missing)(missing ?? 'is whole', () => {
    let folder: string;
    let cluster: TestCluster;
    let etcd: Awaited<ReturnType<typeof startEtcd>> | undefined;
    let saved: Summary;
    let uid: string;
    const kept = (name: string): string => path.join(folder, name);
    const storeFlags = (prefix: string): string[] =>
      etcd === undefined ? [] : ['--etcd-endpoints', etcd.endpoint, '--etcd-prefix', prefix];
    const up = (prefix: string) => cluster.up('--hollow', '1', ...ports, ...storeFlags(prefix));
    const putSecretBack = async (): Promise<void> => {
      await mkdir(path.join(cluster.home, 'pki'), { recursive: true, mode: 0o700 });
      await copyFile(kept('bootstrap-secret'), path.join(cluster.home, 'pki/bootstrap-secret'));
    };
    const field = (kind: string, name: string, jsonPath: string): Promise<string> =>
      cluster.kubectl(['get', kind, name, '-n', 'kept', '-o', `jsonpath=${jsonPath}`]);

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'bayplan-snapshots-'));
      if (backend === 'etcd') etcd = await startEtcd();
      cluster = await createTestCluster();
      const { code, stderr } = await up('/before');
      expect(code, stderr).toBe(0);
      await cluster.kubectl(['apply', '-f', '-'], { input: objects });
      await cluster.kubectl(['rollout', 'status', '-n', 'kept', 'deployment/web', '--timeout=60s']);
      uid = await field('deployment', 'web', '{.metadata.uid}');
    });
    afterAll(async () => {
      await cluster.remove();
      await etcd?.dispose();
      await rm(folder, { recursive: true, force: true });
    });

    test('is saved while the cluster runs', async () => {
      const { code, stdout, stderr } = await cluster.bayplan('snapshot', 'save', kept('one'), '-o', 'json');
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/\d+ objects at revision \d+/);
      saved = JSON.parse(stdout) as Summary;
      expect(saved.source).toBe('server');
      expect(saved.objects).toBeGreaterThan(50);
      expect((await stat(kept('one'))).mode & 0o777).toBe(0o600);
      const text = (await readFile(kept('one'))).toString('latin1');
      for (const word of ['swordfish', Buffer.from('swordfish').toString('base64'), 'PRIVATE KEY']) expect(text).not.toContain(word);
      await copyFile(saved.bootstrapSecretFile, kept('bootstrap-secret'));
    });

    test('is not restored over a running cluster', async () => {
      const { code, stderr } = await cluster.bayplan('snapshot', 'restore', kept('one'), '--force');
      expect(code).toBe(1);
      expect(stderr).toMatch(/bayplan: up runs on .* already/);
    });

    test('brings back the objects and access to them after everything was lost', async () => {
      expect((await cluster.down('--purge')).code).toBe(0);
      await putSecretBack();
      await copyFile(kept('one'), kept('cut'));
      await truncate(kept('cut'), 10_000);
      const cut = await cluster.bayplan('snapshot', 'restore', kept('cut'), ...storeFlags('/after'));
      expect(cut.code).toBe(1);
      expect(cut.stderr.trimEnd().split('\n').at(-1)).toMatch(/^bayplan: .*damaged: it ends early: nothing was changed/);
      expect(await readdir(cluster.home)).toEqual(['pki']);

      const { code, stdout, stderr } = await cluster.bayplan('snapshot', 'restore', kept('one'), '-o', 'json', ...storeFlags('/after'));
      expect(code, stderr).toBe(0);
      const restored = JSON.parse(stdout) as Summary;
      expect(restored.objects).toBe(saved.objects);
      expect(restored.restoredRevision).toBeGreaterThan(saved.revision);

      const started = await up('/after');
      expect(started.code, started.stderr).toBe(0);
      expect(await field('configmap', 'plain', '{.data.a}')).toBe('b');
      expect(Buffer.from(await field('secret', 'sealed', '{.data.password}'), 'base64').toString()).toBe('swordfish');
      expect(await field('deployment', 'web', '{.metadata.uid}')).toBe(uid);
      await cluster.kubectl(['rollout', 'status', '-n', 'kept', 'deployment/web', '--timeout=60s']);
      await cluster.kubectl(['scale', '-n', 'kept', 'deployment/web', '--replicas=3']);
      await cluster.kubectl(['rollout', 'status', '-n', 'kept', 'deployment/web', '--timeout=60s']);
      expect(Number(await field('deployment', 'web', '{.metadata.resourceVersion}'))).toBeGreaterThan(saved.revision);
    });

    test('makes clients with revisions from before list again', async () => {
      const stale = await cluster.tryKubectl([
        'get',
        '--raw',
        `/api/v1/namespaces/kept/configmaps?watch=true&timeoutSeconds=3&resourceVersion=${String(saved.revision)}`,
      ]);
      expect(`${stale.stdout}${stale.stderr}`).toMatch(/too old resource version|Expired|Gone/);
    });

    test('is saved from the store when no server runs, and restored over it when forced', async () => {
      expect((await cluster.down()).code).toBe(0);
      const save = await cluster.bayplan('snapshot', 'save', kept('two'), '-o', 'json', ...storeFlags('/after'));
      expect(save.code, save.stderr).toBe(0);
      expect((JSON.parse(save.stdout) as Summary).source).toBe(backend);
      const refused = await cluster.bayplan('snapshot', 'restore', kept('two'), ...storeFlags('/after'));
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(/holds a cluster .*already/);
      if (backend === 'etcd') return;
      const forced = await cluster.bayplan('snapshot', 'restore', kept('two'), '--force');
      expect(forced.code, forced.stderr).toBe(0);
      expect(forced.stdout).toContain('The store that was there is now');
      const started = await up('/after');
      expect(started.code, started.stderr).toBe(0);
      expect(await field('deployment', 'web', '{.spec.replicas}')).toBe('3');
    });
  });
});
