import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { RpcError } from '@bayplan/rpc';
import type { NamespaceOption, PodSandboxConfig } from '@bayplan/rpc';
import { must } from './runtime.ts';
import type { Runtime } from './runtime.ts';
import type { SandboxRecord } from './state/records.ts';
import { startPause, stopPause } from './pause.ts';
import { unmountAll } from './unmount.ts';

/** Where a sandbox's parts are. A part that the pod shares with the host is undefined. */
export interface SandboxParts {
  readonly network: string | undefined;
  readonly ipc: string | undefined;
  readonly uts: string | undefined;
  /** The namespace of the pause process, when containers share one. */
  readonly pid: string | undefined;
  readonly shm: string;
  readonly resolvConf: string;
  readonly hostname: string | undefined;
  readonly hosts: string;
}

function namespaceOptions(config: PodSandboxConfig): NamespaceOption | undefined {
  return config.linux?.securityContext?.namespaceOptions;
}

/** The parts of a sandbox by its configuration; says nothing about whether they exist. */
export function sandboxParts(runtime: Runtime, record: Pick<SandboxRecord, 'id' | 'config' | 'pause'>): SandboxParts {
  const folder = runtime.layout.sandboxRun(record.id);
  const options = namespaceOptions(record.config);
  const hostNetwork = options?.network === 'NODE';
  return {
    network: hostNetwork ? undefined : path.join(folder, 'net'),
    ipc: options?.ipc === 'NODE' ? undefined : path.join(folder, 'ipc'),
    uts: hostNetwork ? undefined : path.join(folder, 'uts'),
    pid: record.pause === undefined ? undefined : `/proc/${record.pause.pid}/ns/pid`,
    shm: options?.ipc === 'NODE' ? '/dev/shm' : path.join(folder, 'shm'),
    resolvConf: path.join(folder, 'resolv.conf'),
    hostname: hostNetwork ? undefined : path.join(folder, 'hostname'),
    hosts: path.join(folder, 'hosts'),
  };
}

/** Runs inside of the new namespaces but in the host's mount namespace: $1 hostname or empty, $2 shm or empty, then name=value. */
const insideScript = `set -e
[ -z "$1" ] || printf %s "$1" > /proc/sys/kernel/hostname
[ -z "$2" ] || mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=65536k shm "$2"
shift 2
for pair; do printf %s "\${pair#*=}" > "/proc/sys/\${pair%%=*}"; done`;

/** Makes everything that containers of a pod share. On failure the caller dismantles what was made. */
export async function setUpSandbox(runtime: Runtime, record: SandboxRecord): Promise<void> {
  const { config } = record;
  const parts = sandboxParts(runtime, record);
  const folder = runtime.layout.sandboxRun(record.id);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  if (config.logDirectory !== '') await mkdir(config.logDirectory, { recursive: true, mode: 0o755 });
  await writeSandboxFiles(config, parts);
  const ownShm = parts.ipc !== undefined;
  if (ownShm) await mkdir(parts.shm, { recursive: true });

  const pins = [
    ['net', parts.network],
    ['ipc', parts.ipc],
    ['uts', parts.uts],
  ].flatMap(([kind, file]) => (file === undefined ? [] : [{ kind, file }]));
  for (const { file } of pins) await writeFile(file, '');
  const sysctls = Object.entries(config.linux?.sysctls ?? {}).map(([name, value]) => `${sysctlPath(name, parts)}=${value}`);
  const inside = ['sh', '-c', insideScript, 'sh', parts.uts === undefined ? '' : config.hostname, ownShm ? parts.shm : '', ...sysctls];
  if (pins.length > 0) {
    await must(runtime, 'make the namespaces of a pod', 'unshare', [...pins.map(({ kind, file }) => `--${kind}=${file}`), ...inside]);
  }
  if (namespaceOptions(config)?.pid === 'POD') {
    record.pause = await startPause(runtime, record.id);
    // On disk at once: only the record tells a later process about this one.
    await runtime.sandboxes.save(record);
  }
  if (parts.network !== undefined) {
    const notReady = runtime.network.notReadyReason();
    if (notReady !== undefined) throw new RpcError('UNAVAILABLE', notReady);
    record.ips = (await runtime.network.setup({ sandboxId: record.id, netnsPath: parts.network })).ips;
  }
}

/** Only what belongs to a namespace of the pod may be set, never a value of the whole machine. */
function sysctlPath(name: string, parts: SandboxParts): string {
  const isNetwork = name.startsWith('net.') && parts.network !== undefined;
  const isIpc = /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(name) && parts.ipc !== undefined;
  if (!/^[a-z0-9_./-]+$/i.test(name) || name.includes('..') || !(isNetwork || isIpc)) {
    throw new RpcError('INVALID_ARGUMENT', `The pod cannot set the kernel parameter ${name}`);
  }
  // A name with slashes uses dots within a part, as for interfaces called eth0.1.
  return name.includes('/') ? name : name.replaceAll('.', '/');
}

async function writeSandboxFiles(config: PodSandboxConfig, parts: SandboxParts): Promise<void> {
  const { servers, searches, options } = config.dnsConfig ?? { servers: [], searches: [], options: [] };
  const lines = [
    ...(searches.length > 0 ? [`search ${searches.join(' ')}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ];
  // A pod without a DNS configuration resolves names as its node does.
  const text = config.dnsConfig === undefined ? await readFile('/etc/resolv.conf', 'utf8').catch(() => '') : `${lines.join('\n')}\n`;
  await writeFile(parts.resolvConf, text, { mode: 0o644 });
  if (parts.hostname !== undefined) await writeFile(parts.hostname, `${config.hostname}\n`, { mode: 0o644 });
  await writeFile(parts.hosts, '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n', { mode: 0o644 });
}

/** Removes a sandbox's network, namespaces and shared memory. May be repeated; keeps its record. */
export async function dismantleSandbox(runtime: Runtime, record: SandboxRecord): Promise<void> {
  const parts = sandboxParts(runtime, record);
  if (record.pause !== undefined) await stopPause(runtime, record.pause);
  if (parts.network !== undefined) await runtime.network.teardown(record.id);
  const mounts = [parts.network, parts.ipc, parts.uts, parts.ipc === undefined ? undefined : parts.shm];
  await unmountAll(
    runtime.host,
    mounts.filter((file) => file !== undefined),
  );
  await rm(runtime.layout.sandboxRun(record.id), { recursive: true, force: true });
}
