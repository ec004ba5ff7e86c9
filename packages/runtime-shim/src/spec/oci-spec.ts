import { RpcError } from '@bayplan/rpc';
import type { ContainerConfig, NamespaceOption, SecurityProfile } from '@bayplan/rpc';
import { containerCapabilities } from './capabilities.ts';
import { orderMounts, podMount, systemMounts } from './mounts.ts';
import type { SystemMountInputs } from './mounts.ts';
import type { OciDevice, OciDeviceRule, OciNamespace, OciSeccomp, OciSpec } from './oci-types.ts';
import { ociLimits } from './resources.ts';
import { defaultSeccompProfile } from './seccomp-default.ts';
import type { ResolvedUser } from './user.ts';

/** What an image says about running it. */
export interface ImageRunConfig {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly workingDir: string;
  readonly user: string;
  readonly stopSignal: string;
}

export interface SpecInputs {
  readonly config: ContainerConfig;
  readonly image: ImageRunConfig;
  readonly user: ResolvedUser;
  readonly rootfs: string;
  readonly hostname: string;
  readonly cgroupsPath: string;
  readonly pidsLimit?: number;
  /** Files that pin the pod's namespaces; undefined ones are the host's. */
  readonly namespaces: { readonly network?: string; readonly ipc?: string; readonly uts?: string };
  /** The namespace of another process for PID mode `POD` and `TARGET`. */
  readonly pidNamespace?: string;
  readonly systemFiles: Omit<SystemMountInputs, 'privileged' | 'hostNetwork'>;
  readonly devices: readonly OciDevice[];
  readonly deviceRules: readonly OciDeviceRule[];
  readonly boundingCapabilities: bigint;
  readonly minOomScoreAdj: number;
  /** The parsed profile, when the container names a file of the host. */
  readonly localSeccomp?: OciSeccomp;
  /** Cgroup v2 only: containers then see their own cgroup as the root. */
  readonly cgroupNamespace: boolean;
}

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The character devices that every container may use: null, zero, full, random, urandom, tty, console, ptmx, pts. */
const standardDevices: readonly OciDeviceRule[] = [
  ...[[1, 3], [1, 5], [1, 7], [1, 8], [1, 9], [5, 0], [5, 1], [5, 2]].map(([major = 0, minor = 0]): OciDeviceRule => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
]; // prettier-ignore

/** Writes the OCI runtime specification of a container. Pure; throws `INVALID_ARGUMENT` when there is nothing to run. */
export function ociSpec(inputs: SpecInputs): OciSpec {
  const { config, image, user } = inputs;
  const security = config.linux?.securityContext;
  const privileged = security?.privileged ?? false;
  const capabilities = containerCapabilities(security?.capabilities, privileged, inputs.boundingCapabilities);
  const seccomp = privileged ? undefined : seccompOf(security?.seccomp, capabilities, inputs.localSeccomp);
  const ambient = (security?.capabilities?.addAmbientCapabilities ?? []).filter((name) => capabilities.includes(name));
  const shared = config.mounts.some((mount) => mount.propagation === 'PROPAGATION_BIDIRECTIONAL');
  const slave = config.mounts.some((mount) => mount.propagation === 'PROPAGATION_HOST_TO_CONTAINER');
  const hostNetwork = inputs.namespaces.network === undefined;
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: config.tty,
      // The group itself is listed too: a file's "others" must not be easier to be than its group.
      user: { uid: user.uid, gid: user.gid, additionalGids: [user.gid, ...user.groups] },
      args: processArgs(config, image),
      env: environment(config, image, user, inputs.hostname),
      cwd: config.workingDir || image.workingDir || '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities, inheritable: ambient, ambient },
      noNewPrivileges: security?.noNewPrivs ?? false,
      oomScoreAdj: Math.min(1000, Math.max(inputs.minOomScoreAdj, config.linux?.resources?.oomScoreAdj ?? 0)),
    },
    root: { path: inputs.rootfs, readonly: security?.readonlyRootfs ?? false },
    mounts: orderMounts(systemMounts({ ...inputs.systemFiles, privileged, hostNetwork }), config.mounts.map(podMount)),
    linux: {
      namespaces: namespacesOf(inputs, security?.namespaceOptions),
      cgroupsPath: inputs.cgroupsPath,
      resources: {
        devices: privileged
          ? [{ allow: true, access: 'rwm' }]
          : [{ allow: false, access: 'rwm' }, ...standardDevices, ...inputs.deviceRules],
        ...ociLimits(config.linux?.resources),
        ...(inputs.pidsLimit === undefined ? {} : { pids: { limit: inputs.pidsLimit } }),
      },
      devices: inputs.devices,
      maskedPaths: privileged ? [] : (security?.maskedPaths ?? []),
      readonlyPaths: privileged ? [] : (security?.readonlyPaths ?? []),
      ...(seccomp ? { seccomp } : {}),
      ...(shared ? { rootfsPropagation: 'rshared' as const } : slave ? { rootfsPropagation: 'rslave' as const } : {}),
    },
  };
}

function processArgs(config: ContainerConfig, image: ImageRunConfig): string[] {
  // A command of the pod replaces the image's entry point and its arguments.
  const command = config.command.length > 0 ? config.command : image.entrypoint;
  const args = config.args.length > 0 ? config.args : config.command.length > 0 ? [] : image.cmd;
  const all = [...command, ...args];
  if (all.length === 0) throw new RpcError('INVALID_ARGUMENT', 'Neither the container nor its image has a command');
  return all;
}

function environment(config: ContainerConfig, image: ImageRunConfig, user: ResolvedUser, hostname: string): string[] {
  const variables = new Map<string, string>();
  const put = (entry: string): void => {
    const at = entry.indexOf('=');
    variables.set(at < 0 ? entry : entry.slice(0, at), at < 0 ? '' : entry.slice(at + 1));
  };
  put(defaultPath);
  put(`HOSTNAME=${hostname}`);
  if (config.tty) put('TERM=xterm');
  image.env.forEach(put);
  for (const { key, value } of config.envs) variables.set(key, Buffer.from(value).toString());
  if (!variables.has('HOME')) variables.set('HOME', user.home);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

function namespacesOf(inputs: SpecInputs, options: NamespaceOption | undefined): OciNamespace[] {
  const { network, ipc, uts } = inputs.namespaces;
  const found: OciNamespace[] = [{ type: 'mount' }];
  if (network !== undefined) found.push({ type: 'network', path: network });
  if (ipc !== undefined) found.push({ type: 'ipc', path: ipc });
  if (uts !== undefined) found.push({ type: 'uts', path: uts });
  if (inputs.pidNamespace !== undefined) found.push({ type: 'pid', path: inputs.pidNamespace });
  else if (options?.pid !== 'NODE') found.push({ type: 'pid' });
  if (inputs.cgroupNamespace) found.push({ type: 'cgroup' });
  return found;
}

function seccompOf(
  profile: SecurityProfile | undefined,
  capabilities: readonly string[],
  local: OciSeccomp | undefined,
): OciSeccomp | undefined {
  // A container that says nothing is unconfined: the agent decides whether RuntimeDefault is the default.
  if (profile === undefined || profile.profileType === 'Unconfined') return undefined;
  return profile.profileType === 'Localhost' ? local : defaultSeccompProfile(capabilities);
}
