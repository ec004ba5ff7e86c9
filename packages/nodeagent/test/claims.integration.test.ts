import { isNotFound, resources } from '@bayplan/api';
import type { PersistentVolume } from '@bayplan/api';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterFixture, skipReason, statusOf } from './support/cluster-fixture.ts';

const image = 'busybox:1.35';
const shell = (script: string) => ({ name: 'main', image, command: ['sh', '-c', script] });
const namespace = 'default';

describe.skipIf(skipReason)(`Claims of pods${skipReason ? ` (skipped: ${skipReason})` : ''}`, () => {
  let cluster: ClusterFixture;
  const logOf = async (pod: string) => (await cluster.nodeApi(`/containerLogs/default/${pod}/main`)).body;
  beforeAll(async () => {
    cluster = await ClusterFixture.start('10.214.0.0/24');
    await cluster.agent?.ready;
  });
  afterAll(() => cluster.stop());

  /** Plays the volume controllers: a claim, and a volume that is bound to it. */
  async function addClaim(
    name: string,
    volumeName: string,
    spec: PersistentVolume['spec'],
    metadata: Partial<PersistentVolume['metadata']> = {},
  ) {
    const shared = { accessModes: ['ReadWriteOnce'], storageClassName: 'x' };
    const claim = await cluster.client.create(resources.persistentVolumeClaims, {
      metadata: { namespace, name },
      spec: { ...shared, volumeName, resources: { requests: { storage: '1Gi' } } },
    });
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid: claim.metadata.uid };
    const volume = { metadata: { name: volumeName, ...metadata }, spec: { ...shared, capacity: { storage: '1Gi' }, claimRef, ...spec } };
    await cluster.client.create(resources.persistentVolumes, volume);
    const status = { phase: 'Bound' };
    await cluster.client.patch(resources.persistentVolumes, { name: volumeName }, 'merge', { status }, { subresource: 'status' });
    await cluster.client.patch(resources.persistentVolumeClaims, { namespace, name }, 'merge', { status }, { subresource: 'status' });
  }

  async function run(
    name: string,
    claimName: string,
    script: string,
    mount = {},
    claim = {},
    fsGroup?: number,
  ): Promise<number | undefined> {
    await cluster.createPod(name, {
      restartPolicy: 'Never',
      ...(fsGroup === undefined ? {} : { securityContext: { fsGroup } }),
      containers: [{ ...shell(script), volumeMounts: [{ name: 'data', mountPath: '/data', ...mount }] }],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName, ...claim } }],
    });
    const pod = await cluster.until(name, (one) => one.status?.phase === 'Succeeded' || one.status?.phase === 'Failed');
    return statusOf(pod, 'main')?.state?.terminated?.exitCode;
  }

  it('are folders that outlive pods, belong to their group, and go with the volume', async () => {
    const nodes = await cluster.client.list(resources.nodes);
    const node = nodes.items[0];
    const root = node?.metadata.annotations?.['bayplan.io/local-path'] ?? '';
    expect(root).toBe(path.join(cluster.folder, 'agent/local-path'));
    const volumeName = 'pvc-11111111-2222';
    const folder = path.join(root, volumeName);
    await addClaim(
      'own',
      volumeName,
      { local: { path: folder }, persistentVolumeReclaimPolicy: 'Delete', nodeAffinity: onNode('kubernetes.io/os', 'linux') },
      {
        labels: { 'bayplan.io/local-path-node': node?.metadata.name ?? '' },
        annotations: { 'pv.kubernetes.io/provisioned-by': 'bayplan.io/local-path' },
        finalizers: ['bayplan.io/local-path'],
      },
    );
    expect(await run('writer', 'own', 'echo kept > /data/f; mkdir /data/sub; ln -s /etc/hostname /data/link')).toBe(0);
    expect(await readFile(path.join(folder, 'f'), 'utf8')).toBe('kept\n');
    await cluster.client.delete(resources.pods, { namespace, name: 'writer' });
    await cluster.untilGone('writer');
    expect(await run('reader', 'own', 'cat /data/f; ls -ln /data/f | cut -c1-40; touch /data/sub/x', {}, {}, 4321)).toBe(0);
    expect((await logOf('reader')).split('\n')).toEqual(['kept', expect.stringMatching(/^-rw-rw-r--\s+1 0\s+4321\s/), '']);
    expect((await stat(path.join(folder, 'sub/x'))).gid).toBe(4321);
    expect(await run('read-only', 'own', 'cat /data/f; touch /data/g', {}, { readOnly: true })).not.toBe(0);
    expect(await run('part', 'own', 'touch /data/y', { subPath: 'sub' })).toBe(0);
    expect((await readdir(path.join(folder, 'sub'))).sort()).toEqual(['x', 'y']);

    await cluster.client.delete(resources.persistentVolumes, { name: volumeName });
    const status = { phase: 'Released' };
    await cluster.client.patch(resources.persistentVolumes, { name: volumeName }, 'merge', { status }, { subresource: 'status' });
    const finalizersLeft = async (): Promise<string[] | undefined> => {
      try {
        return (await cluster.client.get(resources.persistentVolumes, { name: volumeName })).metadata.finalizers;
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    };
    await expect.poll(async () => (await finalizersLeft())?.includes('bayplan.io/local-path') ?? false, { timeout: 10_000 }).toBe(false);
    expect(await readdir(root)).toEqual([]);
  });

  it('of a volume that is not a folder of the node keep what is there', async () => {
    const shared = path.join(cluster.folder, 'shared');
    await mkdir(shared);
    await writeFile(path.join(shared, 'f'), 'from the machine\n');
    await addClaim('machine', 'machine', { local: { path: shared }, nodeAffinity: onNode('kubernetes.io/os', 'linux') });
    expect(await run('machine', 'machine', 'cat /data/f')).toBe(0);
    expect(await logOf('machine')).toBe('from the machine\n');
    await addClaim('elsewhere', 'elsewhere', { local: { path: shared }, nodeAffinity: onNode('kubernetes.io/os', 'plan9') });
    await cluster.createPod('elsewhere', {
      containers: [{ ...shell('true'), volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'elsewhere' } }],
    });
    await expect
      .poll(() => cluster.events('elsewhere').then((events) => events.join()), { timeout: 10_000 })
      .toContain('NodeAffinity check failed');
  });
});

function onNode(key: string, value: string) {
  return { required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'In', values: [value] }] }] } };
}
