import { readFile, stat, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { RpcError } from '@bayplan/rpc';
import type { ContainerConfig, Mount } from '@bayplan/rpc';
import type { ImageRecord } from './images/image-store.ts';
import { containerOf } from './runtime.ts';
import type { Runtime } from './runtime.ts';
import { sandboxParts } from './sandbox-setup.ts';
import type { SandboxParts } from './sandbox-setup.ts';
import { deviceRules, findDevices } from './spec/devices.ts';
import { ociSpec } from './spec/oci-spec.ts';
import type { OciSeccomp, OciSpec } from './spec/oci-types.ts';
import { resolveUser } from './spec/user.ts';
import type { ResolvedUser } from './spec/user.ts';
import type { ContainerRecord, SandboxRecord } from './state/records.ts';

export interface ContainerParts {
  readonly sandbox: SandboxRecord;
  readonly record: ContainerRecord;
  /** As asked for, environment included. */
  readonly config: ContainerConfig;
  readonly image: ImageRecord;
  /** Mounted. */
  readonly rootfs: string;
}

/** Gathers from the host what the specification of a container depends on, and writes it. */
export async function buildSpec(runtime: Runtime, parts: ContainerParts): Promise<{ spec: OciSpec; user: ResolvedUser }> {
  const { config, image, sandbox, rootfs } = parts;
  const security = config.linux?.securityContext;
  const user = await resolveUser(rootfs, {
    runAsUser: security?.runAsUser?.value,
    runAsGroup: security?.runAsGroup?.value,
    runAsUsername: security?.runAsUsername,
    imageUser: image.run.user,
    supplementalGroups: security?.supplementalGroups ?? [],
    mergeImageGroups: security?.supplementalGroupsPolicy !== 'Strict',
  });
  await makeSources(config.mounts);
  const shared = sandboxParts(runtime, sandbox);
  const privileged = security?.privileged ?? false;
  const devices = await findDevices(config.devices, privileged);
  const pidNamespace = await pidNamespaceOf(runtime, config, shared);
  const localSeccomp = await readLocalSeccomp(config);
  const spec = ociSpec({
    config,
    image: image.run,
    user,
    rootfs,
    hostname: sandbox.config.hostname,
    cgroupsPath: parts.record.cgroupPath,
    namespaces: {
      ...(shared.network === undefined ? {} : { network: shared.network }),
      ...(shared.ipc === undefined ? {} : { ipc: shared.ipc }),
      ...(shared.uts === undefined ? {} : { uts: shared.uts }),
    },
    ...(pidNamespace === undefined ? {} : { pidNamespace }),
    systemFiles: { shm: shared.shm, resolvConf: shared.resolvConf, hostname: shared.hostname, hosts: shared.hosts },
    devices,
    deviceRules: deviceRules(devices, config.devices),
    boundingCapabilities: await runtime.host.boundingCapabilities(),
    minOomScoreAdj: await runtime.host.minOomScoreAdj(),
    ...(localSeccomp === undefined ? {} : { localSeccomp }),
    cgroupNamespace: runtime.cgroupV2 && !privileged,
  });
  return { spec, user };
}

async function makeSources(mounts: readonly Mount[]): Promise<void> {
  for (const mount of mounts) {
    if (mount.image !== undefined && mount.image.image !== '')
      throw new RpcError('UNIMPLEMENTED', 'Images cannot be mounted as volumes yet');
    if (!path.isAbsolute(mount.hostPath) || !path.isAbsolute(mount.containerPath)) {
      throw new RpcError('INVALID_ARGUMENT', `A mount needs absolute paths: ${mount.hostPath} at ${mount.containerPath}`);
    }
    const found = await stat(mount.hostPath).catch(() => undefined);
    if (found === undefined) await mkdir(mount.hostPath, { recursive: true, mode: 0o755 });
  }
}

async function pidNamespaceOf(runtime: Runtime, config: ContainerConfig, shared: SandboxParts): Promise<string | undefined> {
  const options = config.linux?.securityContext?.namespaceOptions;
  if (options?.pid === 'POD') return shared.pid;
  if (options?.pid !== 'TARGET') return undefined;
  const target = containerOf(runtime, options.targetId);
  if (target.phase !== 'running' || target.init === undefined)
    throw new RpcError('FAILED_PRECONDITION', `Container ${target.id} is not running`);
  return `/proc/${target.init.pid}/ns/pid`;
}

async function readLocalSeccomp(config: ContainerConfig): Promise<OciSeccomp | undefined> {
  const profile = config.linux?.securityContext?.seccomp;
  if (profile?.profileType !== 'Localhost') return undefined;
  try {
    return JSON.parse(await readFile(profile.localhostRef, 'utf8')) as OciSeccomp;
  } catch (cause) {
    throw new RpcError('INVALID_ARGUMENT', `Cannot read the seccomp profile ${profile.localhostRef}`, { cause });
  }
}
