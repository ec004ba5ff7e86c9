import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '@bayplan/component-base';
import { createCriClient } from '@bayplan/rpc';
import type { CriClient } from '@bayplan/rpc';
import { hostLinkName } from '@bayplan/pod-network';
import { cleanupAll, loadImageArchive } from '../src/index.ts';
import { busyboxArchive } from './support/busybox-image.ts';
import { skipReason } from './support/shim-fixture.ts';

const built = existsSync(fileURLToPath(new URL('../dist/index.js', import.meta.url)));
const reason = skipReason || (built ? false : 'needs the build');
const rounds = 12;

describe.skipIf(reason)(`kill -9 of the shim${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let folder: string;
  let child: ChildProcess | undefined;
  let client: CriClient;

  const start = async (): Promise<void> => {
    const script = fileURLToPath(new URL('support/shim-process.mjs', import.meta.url));
    child = fork(script, [path.join(folder, 'home'), path.join(folder, 'cri.sock'), path.join(folder, 'run'), '10.205.0.0/22'], {
      execArgv: [],
    });
    await new Promise((resolve, reject) => {
      child?.once('message', resolve);
      child?.once('exit', (code) => reject(new Error(`The shim ended with ${String(code)}`)));
    });
    client = createCriClient(path.join(folder, 'cri.sock'));
    await client.ready(5_000);
  };
  const kill = async (): Promise<void> => {
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    child?.kill('SIGKILL');
    await ended;
    client.close();
  };

  beforeAll(async () => {
    folder = await mkdtemp('/tmp/bayplan-crash-');
    await mkdir(path.join(folder, 'image'));
    await mkdir(path.join(folder, 'home'));
    await loadImageArchive(path.join(folder, 'home'), await busyboxArchive(path.join(folder, 'image'), 'busybox:latest'), {
      runRoot: path.join(folder, 'run'),
    });
  });
  afterAll(async () => {
    child?.kill('SIGKILL');
    await cleanupAll(path.join(folder, 'home'), { runRoot: path.join(folder, 'run'), cgroupRoots: [`/${path.basename(folder)}`] });
    await rm(folder, { recursive: true, force: true });
  });

  const startPod = async (name: string): Promise<void> => {
    const config = {
      metadata: { name, namespace: 'default', uid: name, attempt: 0 },
      hostname: name,
      logDirectory: path.join(folder, 'logs', name),
      linux: { cgroupParent: `/${path.basename(folder)}/${name}` },
    };
    const { podSandboxId } = await client.runtime.runPodSandbox({ config });
    const container = { metadata: { name: 'main' }, image: { image: 'busybox' }, logPath: 'main.log', command: ['sleep', '1000'] };
    const { containerId } = await client.runtime.createContainer({ podSandboxId, config: container });
    await client.runtime.startContainer({ containerId });
  };

  it('leaks nothing and loses no container, whenever it comes', async () => {
    const random = seededRandom(20);
    const pids = new Map<string, number>();
    for (let round = 0; round < rounds; round += 1) {
      await start();
      // Every container that ran at the last kill still does, as the same process.
      for (const [id, pid] of pids) {
        const { status, info } = await client.runtime.containerStatus({ containerId: id, verbose: true });
        expect([status?.state, (JSON.parse(info['info'] ?? '{}') as { pid?: number }).pid]).toEqual(['CONTAINER_RUNNING', pid]);
      }
      const work = [0, 1, 2].map((index) => startPod(`r${round}-${index}`).catch(() => undefined));
      if (round % 3 === 2) {
        const [victim] = (await client.runtime.listPodSandbox({})).items;
        if (victim) {
          for (const container of (await client.runtime.listContainers({ filter: { podSandboxId: victim.id } })).containers)
            pids.delete(container.id);
          work.push(
            client.runtime.removePodSandbox({ podSandboxId: victim.id }).then(
              () => undefined,
              () => undefined,
            ),
          );
        }
      }
      await new Promise((resolve) => setTimeout(resolve, Math.floor(random.next() * 500)));
      for (const { id } of (await client.runtime.listContainers({ filter: { state: { state: 'CONTAINER_RUNNING' } } })).containers) {
        const { info } = await client.runtime.containerStatus({ containerId: id, verbose: true });
        if (round % 3 !== 2 || pids.has(id)) pids.set(id, (JSON.parse(info['info'] ?? '{}') as { pid?: number }).pid ?? 0);
      }
      await kill();
      await Promise.all(work);
    }

    await start();
    const sandboxes = (await client.runtime.listPodSandbox({})).items;
    const links = (await readdir('/sys/class/net')).filter((name) => name.startsWith('bp'));
    const addresses = await readdir(path.join(folder, 'home/runtime/addresses'));
    // Each address is that of a sandbox that is ready, and the other way round.
    expect(addresses.length).toBe(sandboxes.filter(({ state }) => state === 'SANDBOX_READY').length);
    const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(` ${folder}/run/`));
    const { containers } = await client.runtime.listContainers({});
    // Four mounts a sandbox, one a container that has not been released.
    expect(mounts.length).toBeLessThanOrEqual(sandboxes.length * 4 + containers.length);

    await Promise.all(sandboxes.map(({ id }) => client.runtime.removePodSandbox({ podSandboxId: id })));
    expect((await client.runtime.listContainers({})).containers).toEqual([]);
    expect((await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(` ${folder}/run/`))).toEqual([]);
    expect(await readdir(path.join(folder, 'home/runtime/addresses'))).toEqual([]);
    expect(await readdir(path.join(folder, 'home/runtime/containers'))).toEqual([]);
    const left = await readdir('/sys/class/net');
    expect(sandboxes.map(({ id }) => hostLinkName(id)).filter((name) => links.includes(name) && left.includes(name))).toEqual([]);
    const conmons = await Promise.all(
      (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
    );
    expect(conmons.filter((command) => command.includes('conmon') && command.includes(`${folder}/run/`))).toEqual([]);
    await kill();
  });
});
