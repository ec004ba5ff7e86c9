import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { RpcError } from '@bayplan/rpc';
import type { ContainerConfig, CreateContainerRequest, CreateContainerResponse } from '@bayplan/rpc';
import { buildSpec } from '../container-spec.ts';
import { destroyContainer } from '../container-lifecycle.ts';
import type { ImageRecord } from '../images/image-store.ts';
import { LayerStore } from '../images/layer-store.ts';
import { containersIn, imagesLock, must, newId, nowNanos, podCgroup, publishEvent, sandboxOf } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { startMonitor } from '../monitor.ts';
import type { ContainerRecord, SandboxRecord } from '../state/records.ts';

/**
 * Makes a container up to the point before its first instruction: root file system, cgroup, monitor.
 * Asked again with the same name, attempt and configuration it returns the container that exists.
 */
export async function createContainer(runtime: Runtime, request: CreateContainerRequest): Promise<CreateContainerResponse> {
  const { config } = request;
  const metadata = config?.metadata;
  if (config === undefined || metadata === undefined) throw new RpcError('INVALID_ARGUMENT', 'A container needs metadata');
  const sandbox = sandboxOf(runtime, request.podSandboxId);
  return runtime.locks.run(`${sandbox.id}/${metadata.name}/${metadata.attempt}`, async () => {
    if (sandbox.phase !== 'ready') throw new RpcError('FAILED_PRECONDITION', `Pod sandbox ${sandbox.id} is not ready`);
    const kept = withoutSecrets(config);
    const same = containersIn(runtime, sandbox.id).find((record) => isDeepStrictEqual(record.config.metadata, metadata));
    if (same?.phase === 'created' && isDeepStrictEqual(same.config, kept)) return { containerId: same.id };
    if (same !== undefined) throw new RpcError('ALREADY_EXISTS', `Attempt ${metadata.attempt} of ${metadata.name} is container ${same.id}`);
    const { record, image } = await runtime.locks.run(imagesLock, async () => {
      const found = await runtime.images.find(config.image?.image ?? '');
      if (found === undefined) throw new RpcError('NOT_FOUND', `The image ${config.image?.image ?? ''} is not here`);
      const fresh = await newRecord(runtime, sandbox, kept, found);
      // From here on the image and its layers count as used.
      await runtime.containers.add(fresh);
      return { record: fresh, image: found };
    });
    try {
      await build(runtime, sandbox, record, config, image);
    } catch (error) {
      await destroyContainer(runtime, record);
      await runtime.containers.remove(record.id);
      throw error;
    }
    publishEvent(runtime, 'CONTAINER_CREATED_EVENT', record.id);
    return { containerId: record.id };
  });
}

/** The environment may hold secrets and is not needed again: it stays out of the record. */
function withoutSecrets(config: ContainerConfig): ContainerConfig {
  return { ...config, envs: [] };
}

async function newRecord(runtime: Runtime, sandbox: SandboxRecord, config: ContainerConfig, image: ImageRecord): Promise<ContainerRecord> {
  const id = newId();
  const logDirectory = sandbox.config.logDirectory;
  return {
    version: 1,
    id,
    sandboxId: sandbox.id,
    phase: 'creating',
    config,
    imageId: image.id,
    imageRef: image.digests[0] ?? image.id,
    layers: [...image.layers].reverse(),
    bootId: await runtime.host.bootId(),
    logPath: config.logPath === '' || logDirectory === '' ? '' : path.join(logDirectory, config.logPath),
    runtime: runtime.handlers[sandbox.runtimeHandler] ?? 'runc',
    cgroupPath: path.posix.join(podCgroup(sandbox.config), id),
    user: { uid: 0, gid: 0, groups: [] },
    stopSignal:
      config.stopSignal === 'SIGNAL_RUNTIME_DEFAULT' ? image.run.stopSignal || 'SIGTERM' : config.stopSignal.replace('SIGNAL_', ''),
    createdAt: nowNanos(runtime),
    startedAt: 0,
    finishedAt: 0,
    exitCode: 0,
    reason: '',
    message: '',
    resources: config.linux?.resources,
    released: false,
  };
}

async function build(
  runtime: Runtime,
  sandbox: SandboxRecord,
  record: ContainerRecord,
  config: ContainerConfig,
  image: ImageRecord,
): Promise<void> {
  const bundle = runtime.layout.bundle(record.id);
  const rootfs = path.join(bundle, 'rootfs');
  await mountRootfs(runtime, record, rootfs);
  const { spec, user } = await buildSpec(runtime, { sandbox, record, config, image, rootfs });
  record.user = { uid: user.uid, gid: user.gid, groups: user.groups };
  await writeFile(path.join(bundle, 'config.json'), JSON.stringify(spec), { mode: 0o600 });
  if (record.logPath !== '') await mkdir(path.dirname(record.logPath), { recursive: true, mode: 0o755 });
  record.init = await startMonitor(runtime, record, bundle);
  record.phase = 'created';
  await runtime.containers.save(record);
}

async function mountRootfs(runtime: Runtime, record: ContainerRecord, rootfs: string): Promise<void> {
  const folder = runtime.containers.folderOf(record.id);
  const [upper, work] = [path.join(folder, 'upper'), path.join(folder, 'work')];
  await mkdir(rootfs, { recursive: true, mode: 0o711 });
  await mkdir(work, { recursive: true, mode: 0o700 });
  await mkdir(upper, { recursive: true });
  // This is what the container sees as the mode of its root; the umask must not show.
  await chmod(upper, 0o755);
  const lower = record.layers.length > 0 ? record.layers.map(LayerStore.rootOf) : ['.empty'];
  if (record.layers.length === 0) await mkdir(path.join(runtime.layout.layers, '.empty'), { recursive: true });
  // Relative names keep the list of layers within the one page that the kernel takes.
  const options = `lowerdir=${lower.join(':')},upperdir=${upper},workdir=${work}`;
  await must(runtime, 'mount a root file system', 'mount', ['-t', 'overlay', '-o', options, 'overlay', rootfs], runtime.layout.layers);
}
