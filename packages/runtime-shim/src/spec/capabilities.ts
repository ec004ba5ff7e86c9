/** Every capability by its bit, capabilities(7). */
const capabilityNames = [
  'CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT',
  'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE',
  'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP', 'MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ',
  'PERFMON', 'BPF', 'CHECKPOINT_RESTORE',
].map((name) => `CAP_${name}`); // prettier-ignore

/** What a container has when its pod says nothing: the set that Docker and Kubernetes document. */
const defaultCapabilities = [
  'CAP_AUDIT_WRITE', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_MKNOD', 'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW', 'CAP_SETFCAP', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETUID', 'CAP_SYS_CHROOT',
]; // prettier-ignore

export interface CapabilityChanges {
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
}

const fullName = (name: string): string => (name.toUpperCase().startsWith('CAP_') ? name.toUpperCase() : `CAP_${name.toUpperCase()}`);

/**
 * The capabilities of a container, sorted. Adds win over drops of the same name, `ALL` is applied
 * first. `bounding` is what this process may pass on: asking runc for more would fail the start.
 */
export function containerCapabilities(changes: CapabilityChanges | undefined, privileged: boolean, bounding: bigint): string[] {
  const available = capabilityNames.filter((_, bit) => (bounding >> BigInt(bit)) & 1n);
  const adds = changes?.addCapabilities.map(fullName) ?? [];
  const drops = changes?.dropCapabilities.map(fullName) ?? [];
  const everything = privileged || adds.includes('CAP_ALL');
  const base = everything ? available : drops.includes('CAP_ALL') ? [] : defaultCapabilities;
  const chosen = new Set(base);
  if (!privileged) for (const name of drops) chosen.delete(name);
  for (const name of adds) chosen.add(name);
  return available.filter((name) => chosen.has(name)).sort();
}
