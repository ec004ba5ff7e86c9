import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadImageArchive } from '../src/index.ts';
import { busyboxArchive } from './support/busybox-image.ts';
import { until } from './support/channel-client.ts';
import { createShimFixture, skipReason } from './support/shim-fixture.ts';
import type { ShimFixture } from './support/shim-fixture.ts';

describe.skipIf(skipReason)(`What a pod can ask for${skipReason ? ` (skipped: ${skipReason})` : ''}`, () => {
  let shim: ShimFixture;

  beforeAll(async () => {
    shim = await createShimFixture('10.206.0.0/24');
    await mkdir(path.join(shim.folder, 'image'));
    await loadImageArchive(shim.home, await busyboxArchive(path.join(shim.folder, 'image'), 'busybox:latest'), { runRoot: shim.runRoot });
    await shim.start();
  });
  afterAll(() => shim.destroy());

  const inside = async (id: string, script: string): Promise<string> => {
    const { stdout, stderr } = await shim.client.runtime.execSync({ containerId: id, cmd: ['sh', '-c', script], timeout: 10 });
    return `${Buffer.from(stdout).toString()}${Buffer.from(stderr).toString()}`;
  };

  it('runs as the user of the pod, with groups, without privileges', async () => {
    const pod = await shim.runPod('user');
    const id = await shim.runContainer(pod, {
      linux: {
        securityContext: {
          runAsUser: { value: 1000 },
          supplementalGroups: [3000],
          noNewPrivs: true,
          readonlyRootfs: true,
          capabilities: { dropCapabilities: ['ALL'], addCapabilities: ['NET_BIND_SERVICE'] },
          seccomp: { profileType: 'RuntimeDefault' },
          maskedPaths: ['/proc/kcore'],
          readonlyPaths: ['/proc/sys'],
        },
      },
    });
    expect(await inside(id, 'id')).toBe('uid=1000(web) gid=1001(web) groups=1001(web),2000(extra),3000\n');
    expect(await inside(id, 'touch /x')).toContain('Read-only file system');
    const status = await inside(id, 'cat /proc/1/status');
    // Bit 10 is NET_BIND_SERVICE.
    expect(status).toMatch(/CapBnd:\t0000000000000400/);
    expect(status).toMatch(/NoNewPrivs:\t1/);
    expect(status).toMatch(/Seccomp:\t2/);
    expect(await inside(id, 'mount -t tmpfs x /tmp')).toMatch(/not permitted|denied/);
    const { status: reported } = await shim.client.runtime.containerStatus({ containerId: id });
    expect(reported?.user?.linux).toEqual({ uid: 1000, gid: 1001, supplementalGroups: [1001, 2000, 3000] });
  });

  it('shares processes between containers when asked', async () => {
    const pod = await shim.runPod('shared', {
      linux: { cgroupParent: `/bayplan-test-${path.basename(shim.folder)}/shared`, securityContext: { namespaceOptions: { pid: 'POD' } } },
    });
    const linux = { securityContext: { namespaceOptions: { pid: 'POD' as const } } };
    await shim.runContainer(pod, { metadata: { name: 'one' }, command: ['sleep', '777'], linux });
    const two = await shim.runContainer(pod, { metadata: { name: 'two' }, command: ['sleep', '888'], linux });
    expect(await inside(two, 'ps')).toContain('sleep 777');
    const [victim = ''] = (await inside(two, 'ps'))
      .split('\n')
      .filter((line) => line.includes('sleep 777'))
      .map((line) => line.trim().split(/\s+/)[0] ?? '');
    await inside(two, `kill -9 ${victim}`);
    await until(async () =>
      (await shim.client.runtime.listContainers({ filter: { state: { state: 'CONTAINER_EXITED' } } })).containers.some(
        ({ metadata }) => metadata?.name === 'one',
      ),
    );
    await shim.client.runtime.removePodSandbox({ podSandboxId: pod.id });
    const pauses = await Promise.all(
      (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
    );
    expect(pauses.filter((command) => command.includes(`pause-${pod.id}`))).toEqual([]);
  });

  it('shares memory, host name and addresses between the containers of a pod', async () => {
    const pod = await shim.runPod('together', {
      linux: { cgroupParent: `/bayplan-test-${path.basename(shim.folder)}/t`, sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0' } },
    });
    const one = await shim.runContainer(pod, { metadata: { name: 'one' } });
    const two = await shim.runContainer(pod, { metadata: { name: 'two' } });
    await inside(one, 'echo common > /dev/shm/file');
    expect(await inside(two, 'cat /dev/shm/file; hostname; cat /proc/sys/net/ipv4/ip_unprivileged_port_start')).toBe(
      'common\ntogether\n0\n',
    );
    expect(await inside(one, 'ip -4 addr show dev eth0')).toBe(await inside(two, 'ip -4 addr show dev eth0'));
    await expect(shim.runPod('bad', { linux: { sysctls: { 'vm.swappiness': '0' } } })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('mounts folders of the host, read-only and writable', async () => {
    const pod = await shim.runPod('mounts');
    const hostPath = path.join(shim.folder, 'volume');
    await mkdir(path.join(hostPath, 'deep'), { recursive: true });
    await writeFile(path.join(hostPath, 'file'), 'from host');
    const id = await shim.runContainer(pod, {
      mounts: [
        { containerPath: '/data/deep', hostPath: path.join(hostPath, 'deep') },
        { containerPath: '/data', hostPath, readonly: true },
        { containerPath: '/etc/hosts', hostPath: path.join(hostPath, 'file') },
      ],
    });
    expect(await inside(id, 'cat /data/file; touch /data/x; touch /data/deep/y && echo ok; cat /etc/hosts')).toMatch(
      /^from hostok\nfrom host.*Read-only/s,
    );
    expect(await readdir(path.join(hostPath, 'deep'))).toEqual(['y']);
  });

  it('uses the network and processes of the host when asked', async () => {
    const options = { namespaceOptions: { network: 'NODE' as const, pid: 'NODE' as const, ipc: 'NODE' as const } };
    const pod = await shim.runPod('host', {
      linux: { cgroupParent: `/bayplan-test-${path.basename(shim.folder)}/h`, securityContext: options },
    });
    const id = await shim.runContainer(pod, { linux: { securityContext: { ...options, privileged: true } } });
    expect(await inside(id, 'ls /sys/class/net')).toContain('lo');
    expect(await inside(id, 'cat /proc/self/net/dev')).toContain((await readdir('/sys/class/net')).find((name) => name !== 'lo') ?? 'lo');
    expect((await inside(id, 'ls /proc')).split('\n')).toContain(String(process.pid));
    expect((await shim.client.runtime.podSandboxStatus({ podSandboxId: pod.id })).status?.network?.ip).toBe('');
    await shim.client.runtime.removePodSandbox({ podSandboxId: pod.id });
  });

  it('reports starts and ends as events, in order', async () => {
    const abort = new AbortController();
    const seen: string[] = [];
    const listening = (async () => {
      for await (const event of shim.client.runtime.getContainerEvents({}, { signal: abort.signal })) seen.push(event.containerEventType);
    })().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const pod = await shim.runPod('events');
    await shim.waitExited(await shim.runContainer(pod, { command: ['true'] }));
    await shim.client.runtime.removePodSandbox({ podSandboxId: pod.id });
    await until(() => seen.length === 4);
    expect(seen).toEqual(['CONTAINER_CREATED_EVENT', 'CONTAINER_STARTED_EVENT', 'CONTAINER_STOPPED_EVENT', 'CONTAINER_DELETED_EVENT']);
    abort.abort();
    await listening;
  });

  it('says what is wrong with a container that cannot start', async () => {
    const pod = await shim.runPod('wrong');
    await expect(shim.runContainer(pod, { command: ['/no/such/program'] })).rejects.toThrow(/no such file or directory/);
    await expect(shim.runContainer(pod, { metadata: { name: 'x' }, image: { image: 'absent' } })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(
      (await shim.client.runtime.listContainers({ filter: { podSandboxId: pod.id, state: { state: 'CONTAINER_RUNNING' } } })).containers,
    ).toEqual([]);
  });
});
