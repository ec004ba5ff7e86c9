import { resources } from '@bayplan/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterFixture, conditionOf, skipReason, statusOf } from './support/cluster-fixture.ts';

const image = 'busybox:1.35';
const shell = (script: string) => ({ image, command: ['sh', '-c', script] });

describe.skipIf(skipReason)(`Life of pods${skipReason ? ` (skipped: ${skipReason})` : ''}`, () => {
  let cluster: ClusterFixture;
  beforeAll(async () => {
    cluster = await ClusterFixture.start('10.212.0.0/24');
    await cluster.agent?.ready;
  });
  afterAll(() => cluster.stop());

  it('restarts a failing container and then backs off', async () => {
    await cluster.createPod('crash', {
      containers: [{ name: 'main', ...shell('echo attempt; echo "sorry" > /dev/termination-log; exit 3') }],
    });
    const pod = await cluster.until('crash', (one) => statusOf(one, 'main')?.state?.waiting?.reason === 'CrashLoopBackOff');
    expect(pod.status?.phase).toBe('Running');
    expect(statusOf(pod, 'main')).toMatchObject({
      restartCount: 1,
      ready: false,
      state: { waiting: { message: `back-off 10s restarting failed container=main pod=crash_default(${pod.metadata.uid ?? ''})` } },
      lastState: { terminated: { exitCode: 3, reason: 'Error', message: 'sorry\n' } },
    });
    expect((await cluster.nodeApi('/containerLogs/default/crash/main?previous=true')).body).toBe('attempt\n');
    expect(await cluster.events('crash')).toContain(
      `Warning BackOff Back-off restarting failed container main in pod crash_default(${pod.metadata.uid ?? ''})`,
    );
    await cluster.client.delete(resources.pods, { namespace: 'default', name: 'crash' });
    await cluster.untilGone('crash');
  });

  it('ends a pod whose containers have all succeeded and keeps its log', async () => {
    await cluster.createPod('job', { restartPolicy: 'Never', containers: [{ name: 'main', ...shell('echo done') }] });
    const pod = await cluster.until('job', (one) => one.status?.phase === 'Succeeded');
    expect(statusOf(pod, 'main')?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(pod.status?.conditions?.find((one) => one.type === 'Ready')).toMatchObject({ status: 'False', reason: 'PodCompleted' });
    expect((await cluster.nodeApi('/containerLogs/default/job/main')).body).toBe('done\n');
    const { items } = await cluster.cri.runtime.listPodSandbox({ filter: { labelSelector: { 'io.kubernetes.pod.name': 'job' } } });
    expect(items.map((one) => one.state)).toEqual(['SANDBOX_NOTREADY']);
    await cluster.client.delete(resources.pods, { namespace: 'default', name: 'job' });
    await cluster.untilGone('job');
  });

  it('fails a pod whose init container fails for good', async () => {
    await cluster.createPod('badinit', {
      restartPolicy: 'Never',
      initContainers: [{ name: 'init', ...shell('exit 4') }],
      containers: [{ name: 'main', ...shell('true') }],
    });
    const pod = await cluster.until('badinit', (one) => one.status?.phase === 'Failed');
    expect(statusOf(pod, 'init')?.state?.terminated?.exitCode).toBe(4);
    expect(statusOf(pod, 'main')?.state?.waiting?.reason).toBe('PodInitializing');
  });

  it('runs init containers in order, then a sidecar beside the regular ones', async () => {
    await cluster.createPod('init', {
      restartPolicy: 'OnFailure',
      initContainers: [
        { name: 'one', ...shell('echo one >> /data/order'), volumeMounts: [{ name: 'data', mountPath: '/data' }] },
        {
          name: 'side',
          ...shell('echo side >> /data/order; trap "exit 0" TERM; while :; do sleep 0.1; done'),
          restartPolicy: 'Always',
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
        { name: 'two', ...shell('sleep 0.2; echo two >> /data/order'), volumeMounts: [{ name: 'data', mountPath: '/data' }] },
      ],
      containers: [{ name: 'main', ...shell('cat /data/order'), volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
      volumes: [{ name: 'data', emptyDir: {} }],
    });
    const pod = await cluster.until('init', (one) => one.status?.phase === 'Succeeded');
    expect((await cluster.nodeApi('/containerLogs/default/init/main')).body).toBe('one\nside\ntwo\n');
    expect(statusOf(pod, 'side')?.state?.terminated).toMatchObject({ exitCode: 0 });
    expect(conditionOf(pod, 'Initialized')).toBe('True');
  });

  it('follows readiness and restarts what fails its liveness probe', async () => {
    await cluster.createPod('probes', {
      containers: [
        {
          name: 'main',
          ...shell('touch /tmp/alive; sleep 1.5; touch /tmp/ready; sleep 1000'),
          readinessProbe: { exec: { command: ['cat', '/tmp/ready'] }, periodSeconds: 1, failureThreshold: 1 },
          livenessProbe: { exec: { command: ['cat', '/tmp/alive'] }, periodSeconds: 1, failureThreshold: 1 },
        },
      ],
    });
    const running = await cluster.until('probes', (one) => statusOf(one, 'main')?.state?.running !== undefined);
    expect(conditionOf(running, 'Ready')).toBe('False');
    const ready = await cluster.until('probes', (one) => conditionOf(one, 'Ready') === 'True');
    const containerId = statusOf(ready, 'main')?.containerID?.split('://')[1] ?? '';
    await cluster.cri.runtime.execSync({ containerId, cmd: ['rm', '/tmp/alive'] });
    const restarted = await cluster.until('probes', (one) => statusOf(one, 'main')?.restartCount === 1);
    expect(statusOf(restarted, 'main')?.lastState?.terminated?.exitCode).toBe(137);
    const events = await cluster.events('probes');
    expect(events.some((event) => event.startsWith('Warning Unhealthy Readiness probe failed: cat:'))).toBe(true);
    expect(events).toContain('Normal Killing Container main failed liveness probe, will be restarted');
    await cluster.client.delete(resources.pods, { namespace: 'default', name: 'probes' });
    await cluster.untilGone('probes');
  });

  it('names what is missing, and goes on once it is there', async () => {
    await cluster.createPod('missing', {
      containers: [
        {
          name: 'main',
          ...shell('echo $COLOUR; sleep 1000'),
          env: [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'colours', key: 'c' } } }],
        },
      ],
    });
    const pod = await cluster.until('missing', (one) => statusOf(one, 'main')?.state?.waiting?.reason === 'CreateContainerConfigError');
    expect(statusOf(pod, 'main')?.state?.waiting?.message).toBe('configmap "colours" not found');
    await cluster.client.create(resources.configMaps, { metadata: { name: 'colours', namespace: 'default' }, data: { c: 'red' } });
    await cluster.until('missing', (one) => conditionOf(one, 'Ready') === 'True');
    expect((await cluster.nodeApi('/containerLogs/default/missing/main')).body).toBe('red\n');
  });

  it('says that an image cannot be pulled', async () => {
    await cluster.createPod('noimage', { containers: [{ name: 'main', image: 'registry.invalid/none:1' }] });
    const pod = await cluster.until('noimage', (one) => statusOf(one, 'main')?.state?.waiting?.reason === 'ImagePullBackOff');
    expect(pod.status?.phase).toBe('Pending');
    expect(statusOf(pod, 'main')?.state?.waiting?.message).toMatch(/^Back-off pulling image "registry.invalid\/none:1": ErrImagePull: /);
    const events = await cluster.events('noimage');
    expect(events).toContain('Normal Pulling Pulling image "registry.invalid/none:1"');
    expect(events).toContain('Warning Failed Error: ErrImagePull');
  });

  it('adopts running containers after a restart and removes pods that were deleted meanwhile', async () => {
    for (const name of ['stays', 'goes']) await cluster.createPod(name, { containers: [{ name: 'main', ...shell('sleep 1000') }] });
    const before = await cluster.until('stays', (one) => conditionOf(one, 'Ready') === 'True');
    await cluster.until('goes', (one) => conditionOf(one, 'Ready') === 'True');
    await cluster.stopAgent();
    await cluster.client.delete(resources.pods, { namespace: 'default', name: 'goes' }, { gracePeriodSeconds: 0 });
    await cluster.startAgent();
    await cluster.agent?.ready;
    const deadline = Date.now() + 20_000;
    const names = async () => (await cluster.cri.runtime.listPodSandbox({})).items.map((one) => one.metadata?.name);
    while ((await names()).includes('goes') && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await names()).not.toContain('goes');
    const after = await cluster.pod('stays');
    expect(statusOf(after, 'main')).toEqual(statusOf(before, 'main'));
    expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  });

  it('ends a pod in the time that a second, faster deletion allows', async () => {
    await cluster.createPod('slow', {
      terminationGracePeriodSeconds: 120,
      containers: [{ name: 'main', ...shell('trap "" TERM; while :; do sleep 0.2; done') }],
    });
    await cluster.until('slow', (one) => conditionOf(one, 'Ready') === 'True');
    await cluster.client.delete(resources.pods, { namespace: 'default', name: 'slow' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await cluster.client.delete(resources.pods, { namespace: 'default', name: 'slow' }, { gracePeriodSeconds: 1 });
    await cluster.untilGone('slow', 10_000);
  });

  it('ends a pod that is active longer than it may be', async () => {
    await cluster.createPod('deadline', {
      activeDeadlineSeconds: 5,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', ...shell('sleep 1000') }],
    });
    const pod = await cluster.until('deadline', (one) => one.status?.phase === 'Failed');
    expect(pod.status?.reason).toBe('DeadlineExceeded');
    expect(statusOf(pod, 'main')?.state?.terminated).toBeDefined();
  });
});
