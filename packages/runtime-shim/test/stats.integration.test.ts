import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadImageArchive } from '../src/index.ts';
import { busyboxArchive } from './support/busybox-image.ts';
import { createShimFixture, skipReason } from './support/shim-fixture.ts';
import type { ShimFixture } from './support/shim-fixture.ts';

describe.skipIf(skipReason)(`Usage${skipReason ? ` (skipped: ${skipReason})` : ''}`, () => {
  let shim: ShimFixture;

  beforeAll(async () => {
    shim = await createShimFixture('10.203.0.0/24');
    await mkdir(path.join(shim.folder, 'image'));
    await loadImageArchive(shim.home, await busyboxArchive(path.join(shim.folder, 'image'), 'busybox:latest'), { runRoot: shim.runRoot });
    await shim.start();
  });
  afterAll(() => shim.destroy());

  it('counts processor time, memory, processes and traffic', async () => {
    const pod = await shim.runPod('busy');
    const id = await shim.runContainer(pod, {
      command: ['sh', '-c', 'while :; do :; done'],
      linux: { resources: { memoryLimitInBytes: 64 * 1024 * 1024, cpuPeriod: 100_000, cpuQuota: 50_000 } },
    });
    const read = async () => (await shim.client.runtime.listContainerStats({ filter: { podSandboxId: pod.id } })).stats[0];
    const first = await read();
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const second = await read();
    expect(second?.attributes?.id).toBe(id);
    expect(second?.cpu?.usageCoreNanoSeconds?.value).toBeGreaterThan(first?.cpu?.usageCoreNanoSeconds?.value ?? Infinity);
    // The quota is half a core.
    expect(second?.cpu?.usageNanoCores?.value).toBeGreaterThan(50e6);
    expect(second?.cpu?.usageNanoCores?.value).toBeLessThan(700e6);
    expect(second?.memory?.workingSetBytes?.value).toBeGreaterThan(10_000);
    expect(second?.memory?.availableBytes?.value).toBeLessThan(64 * 1024 * 1024);

    const { stats } = await shim.client.runtime.podSandboxStats({ podSandboxId: pod.id });
    expect(stats?.linux?.process?.processCount?.value).toBe(1);
    expect(stats?.linux?.network?.defaultInterface?.name).toBe('eth0');
    expect(stats?.linux?.containers).toHaveLength(1);
  });

  it('changes limits of a running container', async () => {
    const pod = await shim.runPod('limits');
    const id = await shim.runContainer(pod, { linux: { resources: { memoryLimitInBytes: 64 * 1024 * 1024 } } });
    await shim.client.runtime.updateContainerResources({
      containerId: id,
      linux: { memoryLimitInBytes: 32 * 1024 * 1024, cpuShares: 512 },
    });
    const { status } = await shim.client.runtime.containerStatus({ containerId: id });
    expect(status?.resources?.linux).toMatchObject({ memoryLimitInBytes: 32 * 1024 * 1024, cpuShares: 512 });
    const { stats } = await shim.client.runtime.containerStats({ containerId: id });
    expect(stats?.memory?.availableBytes?.value).toBeLessThan(32 * 1024 * 1024);
  });

  it('tells when memory ran out', async () => {
    const pod = await shim.runPod('oom');
    const id = await shim.runContainer(pod, {
      command: ['sh', '-c', 'x=0123456789abcdef; while :; do x=$x$x; done'],
      linux: { resources: { memoryLimitInBytes: 16 * 1024 * 1024 } },
    });
    expect(await shim.waitExited(id)).toBe(137);
    expect((await shim.client.runtime.containerStatus({ containerId: id })).status?.reason).toBe('OOMKilled');
  });
});
