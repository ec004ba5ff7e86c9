import type { Mount, MountPropagation } from '@bayplan/rpc';
import type { OciMount } from './oci-types.ts';

export interface SystemMountInputs {
  readonly privileged: boolean;
  readonly hostNetwork: boolean;
  /** A folder or file of the host for each; left out when undefined. */
  readonly shm: string | undefined;
  readonly resolvConf: string | undefined;
  readonly hostname: string | undefined;
  /** Only used when the pod brings no hosts file of its own. */
  readonly hosts: string | undefined;
}

const propagation: Readonly<Record<MountPropagation, string>> = {
  PROPAGATION_PRIVATE: 'rprivate',
  PROPAGATION_HOST_TO_CONTAINER: 'rslave',
  PROPAGATION_BIDIRECTIONAL: 'rshared',
};

/** The mounts that every container has, in order. */
export function systemMounts(inputs: SystemMountInputs): OciMount[] {
  const access = inputs.privileged ? 'rw' : 'ro';
  const safe = ['nosuid', 'noexec', 'nodev'];
  const bind = (source: string | undefined, destination: string, options: readonly string[]): OciMount[] =>
    source === undefined ? [] : [{ destination, type: 'bind', source, options: ['rbind', 'rprivate', ...options] }];
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: safe },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: safe },
    // A sysfs of its own shows the pod's network; with the host's network only a bind mount is permitted everywhere.
    inputs.hostNetwork
      ? { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', 'rprivate', ...safe, access] }
      : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...safe, access] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...safe, 'relatime', access] },
    ...bind(inputs.shm, '/dev/shm', ['rw']),
    ...bind(inputs.resolvConf, '/etc/resolv.conf', ['rw']),
    ...bind(inputs.hostname, '/etc/hostname', ['rw']),
    ...bind(inputs.hosts, '/etc/hosts', ['rw']),
  ];
}

/** A mount that the pod asked for. Its source exists: the caller made sure. */
export function podMount(mount: Mount): OciMount {
  const options = [
    'rbind',
    propagation[mount.propagation],
    mount.recursiveReadOnly ? 'rro' : mount.readonly ? 'ro' : 'rw',
    ...mount.mountOptions,
  ];
  return { destination: mount.containerPath, type: 'bind', source: mount.hostPath, options };
}

/** Shallow paths first, so that no mount hides one made before; a path given twice keeps the last. */
export function orderMounts(system: readonly OciMount[], pod: readonly OciMount[]): OciMount[] {
  const clean = (destination: string): string => destination.replace(/\/+$/, '') || '/';
  const replaced = new Set(pod.map((mount) => clean(mount.destination)));
  const depth = (mount: OciMount): number => clean(mount.destination).split('/').length;
  const kept = system.filter((mount) => !replaced.has(mount.destination));
  const last = new Map(pod.map((mount) => [clean(mount.destination), mount]));
  return [...kept, ...[...last.values()].sort((a, b) => depth(a) - depth(b))];
}
