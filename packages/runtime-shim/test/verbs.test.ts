import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger, systemClock } from '@bayplan/component-base';
import type { ContainerConfig, CreateContainerRequest, RunPodSandboxRequest } from '@bayplan/rpc';
import { handleExit } from '../src/container-lifecycle.ts';
import { EventHub } from '../src/event-hub.ts';
import { Exits } from '../src/exits.ts';
import { ImageStore } from '../src/images/image-store.ts';
import { LayerStore } from '../src/images/layer-store.ts';
import { KeyedLock } from '../src/keyed-lock.ts';
import { layoutOf, prepareFolders } from '../src/layout.ts';
import { recover } from '../src/recover.ts';
import type { Runtime } from '../src/runtime.ts';
import { RecordStore } from '../src/state/record-store.ts';
import { UsageRates } from '../src/usage-rates.ts';
import { createContainer } from '../src/verbs/create-container.ts';
import { listPodSandbox } from '../src/verbs/list-pod-sandbox.ts';
import { removePodSandbox } from '../src/verbs/remove-pod-sandbox.ts';
import { runPodSandbox } from '../src/verbs/run-pod-sandbox.ts';
import { startContainer } from '../src/verbs/start-container.ts';
import { stopContainer } from '../src/verbs/stop-container.ts';
import { finishStopping, stopPodSandbox } from '../src/verbs/stop-pod-sandbox.ts';
import { FakeHost } from './support/fake-host.ts';

let folder: string;
let host: FakeHost;
let runtime: Runtime;
let attached: Set<string>;

function newRuntime(): Runtime {
  const layout = layoutOf(path.join(folder, 'home'), path.join(folder, 'run'));
  const created: Runtime = {
    layout,
    host,
    clock: systemClock,
    logger: silentLogger,
    network: {
      prepare: async () => undefined,
      configure: async () => undefined,
      notReadyReason: () => undefined,
      setup: async ({ sandboxId }) => (attached.add(sandboxId), { ips: ['10.0.0.2'] }),
      teardown: async (sandboxId) => void attached.delete(sandboxId),
      retain: async (ids) => {
        for (const id of attached) if (!ids.has(id)) attached.delete(id);
      },
    },
    sandboxes: new RecordStore(layout.sandboxes),
    containers: new RecordStore(layout.containers),
    images: new ImageStore(layout.images),
    layers: new LayerStore(layout.layers, host),
    locks: new KeyedLock(),
    events: new EventHub(),
    exits: new Exits(
      layout.exits,
      (id, exit) => handleExit(created, id, exit),
      (error) => expect.unreachable(String(error)),
    ),
    streaming: { offer: async () => '', close: async () => undefined },
    rates: new UsageRates(),
    handlers: { '': '/sbin/runc' },
    cgroupV2: false,
    insecureRegistries: [],
  };
  return created;
}

/** What a restarted shim does. */
async function restart(): Promise<void> {
  runtime.exits.stop();
  runtime = newRuntime();
  await recover(runtime);
  await runtime.exits.start();
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bayplan-verbs-'));
  host = new FakeHost();
  attached = new Set();
  runtime = newRuntime();
  await prepareFolders(runtime.layout);
  await recover(runtime);
  await runtime.exits.start();
  await runtime.images.put({
    version: 1,
    id: `sha256:${'a'.repeat(64)}`,
    tags: ['docker.io/library/web:latest'],
    digests: [],
    sizeBytes: 1,
    layers: ['bottom', 'top'],
    run: { entrypoint: ['/web'], cmd: [], env: [], workingDir: '', user: '', stopSignal: 'SIGQUIT' },
  });
  host.answer = (command, options) => {
    if (!command.startsWith('conmon')) return undefined;
    const bundle = /--bundle=(\S+)/.exec(command)?.[1] ?? '';
    host.processes.set(500, 77);
    writeFileSync(path.join(bundle, 'pid'), '500');
    return options.sync ? { sync: '{"data": 500}\n' } : undefined;
  };
});
afterEach(async () => {
  runtime.exits.stop();
  await rm(folder, { recursive: true, force: true });
});

const podRequest = (attempt = 0) =>
  ({
    config: {
      metadata: { name: 'web', namespace: 'default', uid: 'u', attempt },
      hostname: 'web',
      logDirectory: '',
      labels: {},
      annotations: {},
      portMappings: [],
    },
    runtimeHandler: '',
  }) as RunPodSandboxRequest;
const containerRequest = (podSandboxId: string, changes: Partial<ContainerConfig> = {}) =>
  ({
    podSandboxId,
    config: {
      metadata: { name: 'main', attempt: 0 },
      image: { image: 'web' },
      command: [],
      args: [],
      workingDir: '',
      envs: [{ key: 'SECRET', value: Buffer.from('s') }],
      mounts: [],
      devices: [],
      labels: {},
      annotations: {},
      logPath: '',
      stdin: false,
      stdinOnce: false,
      tty: false,
      CDIDevices: [],
      stopSignal: 'SIGNAL_RUNTIME_DEFAULT',
      ...changes,
    },
  }) as unknown as CreateContainerRequest;
const exitFile = (id: string, code: number) => writeFile(path.join(runtime.layout.exits, id), String(code));

async function running(): Promise<{ pod: string; id: string }> {
  const { podSandboxId: pod } = await runPodSandbox(runtime, podRequest());
  const { containerId: id } = await createContainer(runtime, containerRequest(pod));
  await startContainer(runtime, id);
  return { pod, id };
}

describe('Verbs on a recording host', () => {
  it('run a pod with one command for its namespaces and one mount for its container', async () => {
    const { pod, id } = await running();
    const run = runtime.layout.runFolder;
    expect(host.commands.map((command) => command.replace(/ sh -c [\s\S]*/, ''))).toEqual([
      `unshare --net=${run}/s/${pod}/net --ipc=${run}/s/${pod}/ipc --uts=${run}/s/${pod}/uts`,
      `mount -t overlay -o lowerdir=top/fs:bottom/fs,upperdir=${folder}/home/runtime/containers/${id}/upper,workdir=${folder}/home/runtime/containers/${id}/work overlay ${run}/c/${id}/rootfs`,
      expect.stringMatching(/^conmon /),
      `/sbin/runc --root=${run}/r start ${id}`,
    ]);
    expect(attached).toEqual(new Set([pod]));
    expect(runtime.containers.get(id)).toMatchObject({ phase: 'running', init: { pid: 500, startTicks: 77 }, stopSignal: 'SIGQUIT' });
    expect(JSON.stringify(runtime.containers.get(id))).not.toContain('SECRET');
  });

  it('return what exists when asked again', async () => {
    const first = await runPodSandbox(runtime, podRequest());
    expect(await runPodSandbox(runtime, podRequest())).toEqual(first);
    const container = await createContainer(runtime, containerRequest(first.podSandboxId));
    expect(await createContainer(runtime, containerRequest(first.podSandboxId))).toEqual(container);
    await expect(createContainer(runtime, containerRequest(first.podSandboxId, { args: ['other'] }))).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
    await startContainer(runtime, container.containerId);
    await startContainer(runtime, container.containerId);
    expect(host.commands.filter((command) => command.includes(' start '))).toHaveLength(1);
  });

  it('undo a pod or container that cannot be made', async () => {
    const { podSandboxId } = await runPodSandbox(runtime, podRequest());
    host.answer = (command) => (command.startsWith('conmon') ? { sync: '{"data": -1, "message": "no such program"}\n' } : undefined);
    await expect(createContainer(runtime, containerRequest(podSandboxId))).rejects.toThrow('no such program');
    expect(await readdir(runtime.layout.containers)).toEqual([]);
    expect(host.commands.filter((command) => command.startsWith('umount'))).toHaveLength(1);
    host.answer = (command) => (command.startsWith('unshare') ? { exitCode: 1, stderr: Buffer.from('not permitted') } : undefined);
    await expect(runPodSandbox(runtime, podRequest(1))).rejects.toThrow('not permitted');
    expect(await readdir(runtime.layout.sandboxes)).toEqual([podSandboxId]);
  });

  it('ask a container to stop with its signal, then kill it', async () => {
    const { id } = await running();
    host.onSignal = (_pid, signal) => {
      if (signal === 'SIGKILL') void exitFile(id, 137);
    };
    await stopContainer(runtime, id, 30);
    // SIGQUIT is 3.
    expect(host.signals).toEqual(['500 3', '500 SIGKILL']);
    expect(runtime.containers.get(id)).toMatchObject({ phase: 'exited', exitCode: 137, reason: 'Error' });
    await stopContainer(runtime, id, 30);
    await stopContainer(runtime, 'unknown', 30);
    expect(host.signals).toHaveLength(2);
  });

  it('never signal a later process with the same id', async () => {
    const { id } = await running();
    host.processes.set(500, 78);
    await exitFile(id, 0);
    await stopContainer(runtime, id, 1000);
    expect(host.signals).toEqual([]);
  });

  it('remove a pod with all it has, twice if asked', async () => {
    const { pod, id } = await running();
    host.onSignal = () => void exitFile(id, 137);
    await removePodSandbox(runtime, pod);
    await removePodSandbox(runtime, pod);
    for (const left of [runtime.layout.sandboxes, runtime.layout.containers, runtime.layout.exits]) expect(await readdir(left)).toEqual([]);
    expect(attached.size).toBe(0);
  });
});

describe('A restarted shim', () => {
  it('undoes what was half made', async () => {
    const { pod, id } = await running();
    const container = runtime.containers.get(id);
    const sandbox = runtime.sandboxes.get(pod);
    if (!container || !sandbox) throw new Error('missing');
    container.phase = 'creating';
    await runtime.containers.save(container);
    sandbox.phase = 'creating';
    await runtime.sandboxes.save(sandbox);
    await restart();
    expect([runtime.containers.all(), runtime.sandboxes.all(), attached.size]).toEqual([[], [], 0]);
    expect(host.commands).toContain(`/sbin/runc --root=${runtime.layout.runtimeState} delete --force ${id}`);
  });

  it('finishes a stop that was cut short', async () => {
    const { pod, id } = await running();
    const stop = runtime.network.teardown;
    Object.assign(runtime.network, { teardown: () => Promise.reject(new Error('cut')) });
    host.onSignal = () => void exitFile(id, 137);
    await expect(stopPodSandbox(runtime, pod)).rejects.toThrow('cut');
    Object.assign(runtime.network, { teardown: stop });
    await restart();
    expect(listPodSandbox(runtime, undefined)).toMatchObject([{ id: pod, state: 'SANDBOX_NOTREADY' }]);
    await finishStopping(runtime);
    expect(runtime.sandboxes.get(pod)?.phase).toBe('notready');
    expect(attached.size).toBe(0);
  });

  it('learns of exits that came meanwhile', async () => {
    const { id } = await running();
    runtime.exits.stop();
    await exitFile(id, 4);
    await restart();
    expect(runtime.containers.get(id)).toMatchObject({ phase: 'exited', exitCode: 4, released: true });
  });

  it('takes nothing for running after a reboot', async () => {
    const { pod, id } = await running();
    host.boot = 'boot-2';
    await restart();
    expect(runtime.containers.get(id)).toMatchObject({ phase: 'exited', exitCode: 255, reason: 'NodeRestart' });
    expect(runtime.sandboxes.get(pod)?.phase).toBe('notready');
    expect(attached.size).toBe(0);
  });

  it('ends a container whose monitor is gone', async () => {
    const { id } = await running();
    await restart();
    expect(runtime.containers.get(id)).toMatchObject({ phase: 'exited', reason: 'Unknown' });
  });

  it('removes folders without a record', async () => {
    const stray = path.join(runtime.layout.bundle('f'.repeat(64)), 'rootfs');
    await mkdir(stray, { recursive: true });
    await mkdir(path.join(runtime.layout.containers, 'e'.repeat(64)), { recursive: true });
    host.mountPoints = [stray];
    await restart();
    expect(host.commands).toContain(`umount ${stray}`);
    expect(await readdir(runtime.layout.bundle(''))).toEqual([]);
    expect(await readdir(runtime.layout.containers)).toEqual([]);
  });
});
