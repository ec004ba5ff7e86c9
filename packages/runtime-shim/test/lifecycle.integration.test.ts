import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadImageArchive } from '../src/index.ts';
import { busyboxArchive } from './support/busybox-image.ts';
import { createShimFixture, skipReason } from './support/shim-fixture.ts';
import type { ShimFixture } from './support/shim-fixture.ts';

describe.skipIf(skipReason)(`Container lifecycle${skipReason ? ` (skipped: ${skipReason})` : ''}`, () => {
  let shim: ShimFixture;

  beforeAll(async () => {
    shim = await createShimFixture('10.201.0.0/24');
    await mkdir(path.join(shim.folder, 'image'));
    const archive = await busyboxArchive(path.join(shim.folder, 'image'), 'busybox:latest', [{ 'etc/added': 'above\n', '.wh.gone': '' }]);
    await loadImageArchive(shim.home, archive, { runRoot: shim.runRoot });
    await shim.start();
  });
  afterAll(() => shim.destroy());

  it('lists the loaded image', async () => {
    const { images } = await shim.client.image.listImages({});
    expect(images.map((image) => image.repoTags)).toEqual([['docker.io/library/busybox:latest']]);
    expect((await shim.client.image.imageStatus({ image: { image: 'busybox:latest' } })).image?.size).toBeGreaterThan(100_000);
    expect((await shim.client.image.imageStatus({ image: { image: 'nothing' } })).image).toBeUndefined();
  });

  it('runs a container, logs its output and reports its exit', async () => {
    const pod = await shim.runPod('echo');
    const id = await shim.runContainer(pod, {
      command: ['sh', '-c', 'echo out; echo err >&2; cat /etc/added; ls -d /gone; hostname; cat /etc/resolv.conf; exit 7'],
    });
    expect(await shim.waitExited(id)).toBe(7);
    const log = await shim.log('echo', 'main');
    expect(log).toMatch(/^\S+ stdout F out$/m);
    expect(log).toMatch(/^\S+ stderr F err$/m);
    expect(log).toMatch(/stdout [FP] above/);
    expect(log).toMatch(/ls: \/gone: No such file/);
    expect(log).toMatch(/stdout F echo$/m);
    expect(log).toMatch(/stdout F nameserver 10.96.0.10$/m);
    await shim.client.runtime.removePodSandbox({ podSandboxId: pod.id });
    await shim.client.runtime.removePodSandbox({ podSandboxId: pod.id });
    expect((await shim.client.runtime.listContainers({})).containers).toEqual([]);
  });

  it('runs commands in a container and stops it', async () => {
    const pod = await shim.runPod('exec');
    const id = await shim.runContainer(pod, { command: ['sleep', '1000'], envs: [{ key: 'GREETING', value: Buffer.from('hello') }] });
    const result = await shim.client.runtime.execSync({ containerId: id, cmd: ['sh', '-c', 'echo $GREETING $FROM_IMAGE; exit 3'] });
    expect([Buffer.from(result.stdout).toString(), result.exitCode]).toEqual(['hello yes\n', 3]);
    await expect(shim.client.runtime.execSync({ containerId: id, cmd: ['sleep', '100'], timeout: 1 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    await expect(shim.client.runtime.execSync({ containerId: id, cmd: ['no-such-command'] })).rejects.toMatchObject({ code: 'UNKNOWN' });
    await shim.client.runtime.stopContainer({ containerId: id, timeout: 1 });
    const { status } = await shim.client.runtime.containerStatus({ containerId: id });
    expect(status).toMatchObject({ state: 'CONTAINER_EXITED', exitCode: 137 });
    await shim.client.runtime.removePodSandbox({ podSandboxId: pod.id });
  });

  it('gives pods addresses that reach each other and the host', async () => {
    const [one, two] = [await shim.runPod('one'), await shim.runPod('two')];
    const ipOf = async (id: string) => (await shim.client.runtime.podSandboxStatus({ podSandboxId: id })).status?.network?.ip ?? '';
    await shim.runContainer(one, { command: ['sh', '-c', 'while :; do echo hi | nc -l -p 8080; done'] });
    const client = await shim.runContainer(two, { command: ['sleep', '1000'] });
    const ip = await ipOf(one.id);
    expect(ip).toMatch(/^10\.201\.0\.\d+$/);
    const ping = await shim.client.runtime.execSync({ containerId: client, cmd: ['nc', ip, '8080'], timeout: 5 });
    expect(Buffer.from(ping.stdout).toString()).toBe('hi\n');
    for (const pod of [one, two]) await shim.client.runtime.removePodSandbox({ podSandboxId: pod.id });
  });

  it('finds running containers after a restart, and what ended meanwhile', async () => {
    const pod = await shim.runPod('restart');
    const stays = await shim.runContainer(pod, { command: ['sleep', '1000'] });
    const ends = await shim.runContainer(pod, { metadata: { name: 'short' }, command: ['sh', '-c', 'sleep 1; exit 5'] });
    await shim.stop();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await shim.start();
    const states = (await shim.client.runtime.listContainers({})).containers;
    expect(Object.fromEntries(states.map(({ id, state }) => [id, state]))).toEqual({
      [stays]: 'CONTAINER_RUNNING',
      [ends]: 'CONTAINER_EXITED',
    });
    expect(await shim.waitExited(ends)).toBe(5);
    await shim.client.runtime.stopContainer({ containerId: stays, timeout: 0 });
    expect(await shim.waitExited(stays)).toBe(137);
    await shim.client.runtime.removePodSandbox({ podSandboxId: pod.id });
  });
});
