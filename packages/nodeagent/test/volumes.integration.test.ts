import { resources } from '@bayplan/api';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterFixture, conditionOf, skipReason, statusOf } from './support/cluster-fixture.ts';

const image = 'busybox:1.35';
const shell = (script: string) => ({ image, command: ['sh', '-c', script] });

describe.skipIf(skipReason)(`Volumes and limits of pods${skipReason ? ` (skipped: ${skipReason})` : ''}`, () => {
  let cluster: ClusterFixture;
  const logOf = async (pod: string) => (await cluster.nodeApi(`/containerLogs/default/${pod}/main`)).body;
  beforeAll(async () => {
    cluster = await ClusterFixture.start('10.213.0.0/24');
    await cluster.agent?.ready;
  });
  afterAll(() => cluster.stop());

  it('mounts every kind of volume that needs no storage', async () => {
    await cluster.client.create(resources.configMaps, {
      metadata: { name: 'settings', namespace: 'default' },
      data: { 'a.conf': 'from map\n', other: 'x' },
    });
    await cluster.client.create(resources.secrets, {
      metadata: { name: 'keys', namespace: 'default' },
      data: { key: Buffer.from('from secret\n').toString('base64') },
    });
    await cluster.createPod(
      'volumes',
      {
        restartPolicy: 'Never',
        securityContext: { fsGroup: 1234 },
        containers: [
          {
            name: 'main',
            ...shell(
              'cat /map/a.conf /secret/key /down/labels; echo; cat /all/name; echo; cat /one; echo shared > /scratch/f; cat /scratch/f; mount | grep -c " /fast "; ls -ln /secret/..data/key | cut -c1-40; cat /etc/hosts | tail -1; cat /host/marker',
            ),
            volumeMounts: [
              { name: 'map', mountPath: '/map' },
              { name: 'map', mountPath: '/one', subPath: 'a.conf' },
              { name: 'secret', mountPath: '/secret', readOnly: true },
              { name: 'down', mountPath: '/down' },
              { name: 'all', mountPath: '/all' },
              { name: 'scratch', mountPath: '/scratch' },
              { name: 'fast', mountPath: '/fast' },
              { name: 'host', mountPath: '/host' },
            ],
          },
        ],
        volumes: [
          { name: 'map', configMap: { name: 'settings' } },
          { name: 'secret', secret: { secretName: 'keys', defaultMode: 0o400 } },
          { name: 'down', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
          {
            name: 'all',
            projected: {
              sources: [
                { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
                { configMap: { name: 'settings' } },
              ],
            },
          },
          { name: 'scratch', emptyDir: {} },
          { name: 'fast', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
          { name: 'host', hostPath: { path: cluster.folder, type: 'Directory' } },
        ],
        hostAliases: [{ ip: '192.0.2.7', hostnames: ['friend'] }],
      },
      { labels: { app: 'v' } },
    );
    const { writeFile } = await import('node:fs/promises');
    await writeFile(path.join(cluster.folder, 'marker'), 'on the host\n');
    const pod = await cluster.until('volumes', (one) => one.status?.phase === 'Succeeded' || one.status?.phase === 'Failed');
    expect(statusOf(pod, 'main')?.state?.terminated?.exitCode).toBe(0);
    expect((await logOf('volumes')).split('\n')).toEqual([
      'from map',
      'from secret',
      'app="v"',
      'volumes',
      'from map',
      'shared',
      '1',
      expect.stringMatching(/^-r--r-----\s+1 0\s+1234\s/),
      '192.0.2.7\tfriend',
      'on the host',
      '',
    ]);
  });

  it('mounts parts of volumes where containers cannot replace them, also when a container and the agent start again', async () => {
    await cluster.createPod('parts', {
      initContainers: [
        {
          name: 'prepare',
          ...shell('mkdir /all/dir; echo whole > /all/dir/f; ln -s dir /all/link; ln -s /etc /all/out'),
          volumeMounts: [{ name: 'scratch', mountPath: '/all' }],
        },
      ],
      containers: [
        {
          name: 'main',
          // The next attempt has to get the new folder, not the one that was moved away.
          ...shell(
            'cat /part/f /file; (echo x > /part/y) 2>/dev/null || echo read-only; touch /made/z; mv /all/dir /all/was; mkdir /all/dir; echo new > /all/dir/f; sleep 1000',
          ),
          env: [{ name: 'WHO', value: 'me' }],
          volumeMounts: [
            { name: 'scratch', mountPath: '/all' },
            { name: 'scratch', mountPath: '/part', subPath: 'link', readOnly: true },
            { name: 'scratch', mountPath: '/file', subPath: 'dir/f' },
            { name: 'scratch', mountPath: '/made', subPathExpr: 'new/$(WHO)' },
          ],
        },
        { name: 'refused', ...shell('cat /x/passwd'), volumeMounts: [{ name: 'scratch', mountPath: '/x', subPath: 'out' }] },
      ],
      volumes: [{ name: 'scratch', emptyDir: {} }],
    });
    const pod = await cluster.until('parts', (one) => statusOf(one, 'main')?.state?.running !== undefined);
    await expect.poll(() => logOf('parts'), { timeout: 10_000 }).toBe('whole\nwhole\nread-only\n');
    const mounted = async () =>
      (await readFile('/proc/self/mountinfo', 'utf8'))
        .split('\n')
        .filter((line) => line.includes(`${pod.metadata.uid ?? ''}/volume-subpaths/`));
    expect(await mounted()).toHaveLength(3);
    const refused = await cluster.until(
      'parts',
      (one) => statusOf(one, 'refused')?.state?.waiting?.reason === 'CreateContainerConfigError',
    );
    expect(statusOf(refused, 'refused')?.state?.waiting?.message).toBe(
      'failed to prepare subPath for volumeMount "scratch" of container "refused"',
    );
    await cluster.stopAgent();
    expect(await mounted()).toHaveLength(3);
    await cluster.startAgent();
    await cluster.agent?.ready;
    const main = statusOf(await cluster.pod('parts'), 'main');
    await cluster.cri.runtime.stopContainer({ containerId: main?.containerID?.replace(/^.*:\/\//, '') ?? '', timeout: 0 });
    await cluster.until(
      'parts',
      (one) => statusOf(one, 'main')?.restartCount === 1 && statusOf(one, 'main')?.state?.running !== undefined,
      60_000,
    );
    await expect.poll(() => logOf('parts'), { timeout: 10_000 }).toBe('new\nnew\nread-only\n');
    expect(await mounted()).toHaveLength(3);
    await cluster.client.delete(resources.pods, { namespace: 'default', name: 'parts' });
    await cluster.untilGone('parts');
    await expect.poll(mounted, { timeout: 10_000 }).toEqual([]);
  });

  it('says which volume it cannot mount, and mounts it once it can', async () => {
    await cluster.createPod('waits', {
      containers: [{ name: 'main', ...shell('cat /map/k; sleep 1000'), volumeMounts: [{ name: 'map', mountPath: '/map' }] }],
      volumes: [{ name: 'map', configMap: { name: 'late' } }],
    });
    await expect
      .poll(() => cluster.events('waits'), { timeout: 10_000 })
      .toContain('Warning FailedMount MountVolume.SetUp failed for volume "map" : configmap "late" not found');
    expect(statusOf(await cluster.pod('waits'), 'main')?.state?.waiting?.reason).toBe('ContainerCreating');
    await cluster.client.create(resources.configMaps, { metadata: { name: 'late', namespace: 'default' }, data: { k: 'v\n' } });
    await cluster.until('waits', (one) => conditionOf(one, 'Ready') === 'True');
    expect(await logOf('waits')).toBe('v\n');
  });

  it('gives pods variables, limits and users', async () => {
    await cluster.client.create(resources.services, {
      metadata: { name: 'db', namespace: 'default' },
      spec: { clusterIP: '10.96.3.3', ports: [{ port: 5432, protocol: 'TCP', targetPort: 5432 }] },
    });
    // The agent's own cache of Services has to see it before the pod starts.
    await new Promise((resolve) => setTimeout(resolve, 500));
    await cluster.createPod('limits', {
      restartPolicy: 'Never',
      securityContext: { runAsUser: 1000, runAsGroup: 1001 },
      containers: [
        {
          name: 'main',
          ...shell(
            'id -u; id -g; echo $DB_SERVICE_HOST $KUBERNETES_SERVICE_HOST $CPU; cat /proc/self/oom_score_adj; grep -c ndots:5 /etc/resolv.conf; touch /x 2>&1 || echo read-only',
          ),
          env: [{ name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } }],
          resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '64Mi' } },
          securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    });
    const pod = await cluster.until('limits', (one) => one.status?.phase === 'Succeeded');
    expect(pod.status?.qosClass).toBe('Burstable');
    const [uid, gid, variables, score, dns, touch, last] = (await logOf('limits')).split('\n');
    expect([uid, gid, dns]).toEqual(['1000', '1001', '1']);
    expect(variables).toMatch(/^10\.96\.3\.3 10\.\d+\.\d+\.1 200$/);
    expect(Number(score)).toBeGreaterThan(900);
    expect([touch, last]).toEqual([expect.stringContaining('Read-only file system'), 'read-only']);
  });

  it('leaves nothing behind when pods are deleted', async () => {
    const { items } = await cluster.client.list(resources.pods, { namespace: 'default' });
    for (const pod of items) await cluster.client.delete(resources.pods, { namespace: 'default', name: pod.metadata.name ?? '' });
    for (const pod of items) await cluster.untilGone(pod.metadata.name ?? '');
    const left = async () => [
      ...(await readdir(path.join(cluster.folder, 'agent/pods'))),
      ...(await readdir(path.join(cluster.folder, 'agent/secrets'))),
      ...(await readdir(path.join(cluster.folder, 'logs'))),
    ];
    await expect.poll(left, { timeout: 10_000 }).toEqual([]);
    expect((await cluster.cri.runtime.listContainers({})).containers).toEqual([]);
  });
});
