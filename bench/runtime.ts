// How long pods take to start and stop through CRI, and what a running container costs in memory.
// Needs root, runc and conmon, and the build.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { silentLogger, systemClock } from '@bayplan/component-base';
import { createCriClient } from '@bayplan/rpc';
import type { CriClient } from '@bayplan/rpc';
import { cleanupAll, loadImageArchive, runShim } from '@bayplan/runtime-shim';
import { percentile, runBenchmark } from './support.ts';

const run = promisify(execFile);

async function busyboxArchive(folder: string): Promise<string> {
  const root = path.join(folder, 'root');
  await mkdir(path.join(root, 'bin'), { recursive: true });
  await copyFile('/bin/busybox', path.join(root, 'bin/busybox'));
  await symlink('busybox', path.join(root, 'bin/sleep'));
  await run('tar', ['-cf', path.join(folder, 'layer.tar'), '-C', root, '.']);
  const digest = createHash('sha256')
    .update(await readFile(path.join(folder, 'layer.tar')))
    .digest('hex');
  await writeFile(
    path.join(folder, 'config.json'),
    JSON.stringify({ os: 'linux', config: { Cmd: ['sleep', '100000'] }, rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] } }),
  );
  await writeFile(
    path.join(folder, 'manifest.json'),
    JSON.stringify([{ Config: 'config.json', RepoTags: ['bench:1'], Layers: ['layer.tar'] }]),
  );
  const archive = path.join(folder, 'image.tar');
  await run('tar', ['-cf', archive, '-C', folder, 'manifest.json', 'config.json', 'layer.tar']);
  return archive;
}

/** Runs `work` for every index with `limit` at once. */
async function parallel(count: number, limit: number, work: (index: number) => Promise<void>): Promise<void> {
  const indexes = Array.from({ length: count }, (_, index) => index).values();
  await Promise.all(
    Array.from({ length: limit }, async () => {
      for (const index of indexes) await work(index);
    }),
  );
}

/** Processor time of all processes, in milliseconds, from the first line of /proc/stat (user, nice, system, irq, softirq). */
async function machineCpuMs(): Promise<number> {
  const fields = (await readFile('/proc/stat', 'utf8')).split('\n')[0]?.split(/\s+/).map(Number) ?? [];
  return ((fields[1] ?? 0) + (fields[2] ?? 0) + (fields[3] ?? 0) + (fields[6] ?? 0) + (fields[7] ?? 0)) * 10;
}

async function availableKib(): Promise<number> {
  return Number(/^MemAvailable:\s+(\d+)/m.exec(await readFile('/proc/meminfo', 'utf8'))?.[1]);
}

/** Proportional memory of the monitors, KiB each. */
async function monitorKib(folder: string): Promise<number> {
  const sizes: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!command.startsWith('conmon') || !command.includes(folder)) continue;
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
    sizes.push(Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0));
  }
  return sizes.reduce((sum, size) => sum + size, 0) / Math.max(1, sizes.length);
}

async function startPod(client: CriClient, folder: string, index: number): Promise<{ id: string; phases: number[] }> {
  const times = [performance.now()];
  const name = `bench-${index}`;
  const config = {
    metadata: { name, namespace: 'bench', uid: name, attempt: 0 },
    hostname: name,
    logDirectory: path.join(folder, 'logs', name),
    linux: { cgroupParent: `/bayplan-bench-${process.pid}/${name}` },
  };
  const { podSandboxId } = await client.runtime.runPodSandbox({ config });
  times.push(performance.now());
  const linux = {
    securityContext: {
      seccomp: { profileType: 'RuntimeDefault' as const },
      maskedPaths: ['/proc/kcore', '/proc/keys'],
      readonlyPaths: ['/proc/sys'],
    },
  };
  const { containerId } = await client.runtime.createContainer({
    podSandboxId,
    config: { metadata: { name: 'main' }, image: { image: 'bench:1' }, logPath: 'main.log', linux },
  });
  times.push(performance.now());
  await client.runtime.startContainer({ containerId });
  times.push(performance.now());
  return { id: podSandboxId, phases: times.slice(1).map((time, at) => time - (times[at] ?? 0)) };
}

await runBenchmark('runtime', async ({ quick, log }) => {
  const count = quick ? 20 : 100;
  const folder = await mkdtemp('/tmp/bayplan-bench-');
  const home = path.join(folder, 'home');
  const runRoot = path.join(folder, 'run');
  const socketPath = path.join(folder, 'cri.sock');
  const stop = new AbortController();
  try {
    await mkdir(path.join(folder, 'image'));
    await loadImageArchive(home, await busyboxArchive(path.join(folder, 'image')), { runRoot });
    const shim = await runShim({
      home,
      socketPath,
      runRoot,
      podCidr: '10.210.0.0/22',
      clock: systemClock,
      logger: silentLogger,
      signal: stop.signal,
    });
    const client = createCriClient(socketPath);
    await client.ready(5_000);
    await client.runtime.removePodSandbox({ podSandboxId: (await startPod(client, folder, 100_000)).id });
    const metrics: Record<string, number> = {};
    for (const limit of [1, 4]) {
      const pods: { id: string; phases: number[] }[] = [];
      const [freeBefore, cpuBefore, begin] = [await availableKib(), await machineCpuMs(), performance.now()];
      await parallel(count, limit, async (index) => void pods.push(await startPod(client, folder, limit * 10_000 + index)));
      const seconds = (performance.now() - begin) / 1000;
      const startCpuMs = (await machineCpuMs()) - cpuBefore;
      log(`${count} pods started, ${limit} at a time: ${(count / seconds).toFixed(1)}/s`);
      const total = pods.map(({ phases }) => phases.reduce((sum, phase) => sum + phase, 0));
      metrics[`startsPerSecondParallel${limit}`] = count / seconds;
      metrics[`podStartP50MsParallel${limit}`] = percentile(total, 0.5);
      metrics[`podStartP99MsParallel${limit}`] = percentile(total, 0.99);
      metrics[`startCpuMsParallel${limit}`] = startCpuMs / count;
      ['sandbox', 'create', 'start'].forEach((phase, at) => {
        metrics[`${phase}P50MsParallel${limit}`] = percentile(
          pods.map(({ phases }) => phases[at] ?? 0),
          0.5,
        );
      });
      if (limit === 4) {
        await new Promise((resolve) => setTimeout(resolve, 2_000));
        metrics['machineKibPerPod'] = (freeBefore - (await availableKib())) / count;
        metrics['monitorPssKib'] = await monitorKib(folder);
      }
      const [stopCpuBefore, stopBegin] = [await machineCpuMs(), performance.now()];
      await parallel(count, limit, async (index) => void (await client.runtime.removePodSandbox({ podSandboxId: pods[index]?.id ?? '' })));
      metrics[`stopsPerSecondParallel${limit}`] = count / ((performance.now() - stopBegin) / 1000);
      metrics[`stopCpuMsParallel${limit}`] = ((await machineCpuMs()) - stopCpuBefore) / count;
    }
    client.close();
    stop.abort();
    await shim.stopped;
    return { metrics, ratios: { parallelGain: (metrics['startsPerSecondParallel4'] ?? 0) / (metrics['startsPerSecondParallel1'] ?? 1) } };
  } finally {
    stop.abort();
    await cleanupAll(home, { runRoot, cgroupRoots: [`/bayplan-bench-${process.pid}`] });
    await rm(folder, { recursive: true, force: true });
  }
});
