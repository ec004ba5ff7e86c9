import { readFile, statfs } from 'node:fs/promises';
import os from 'node:os';
import { parseResolvConf } from '../runtime/sandbox-config.ts';

/** What the agent needs to know of the machine it runs on. */
export interface HostInfo {
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly ephemeralBytes: number;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly architecture: string;
  readonly swapBytes: number;
  readonly hugepages: boolean;
  /** The lowest `oom_score_adj` that this process may give to others. */
  readonly lowestOomScoreAdj: number;
  readonly dns: { readonly servers: readonly string[]; readonly searches: readonly string[]; readonly options: readonly string[] };
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'arm', ppc64: 'ppc64le', s390x: 's390x' };
const capSysResource = 24n;

/** Reads the machine's properties. @param home the disk it is on is the node's ephemeral storage. */
export async function readHostInfo(home: string): Promise<HostInfo> {
  const text = async (file: string): Promise<string> => (await readFile(file, 'utf8').catch(() => '')).trim();
  const [machineId, systemUuid, bootId, osRelease, meminfo, status, ownScore, resolv, disk] = await Promise.all([
    text('/etc/machine-id'),
    text('/sys/class/dmi/id/product_uuid'),
    text('/proc/sys/kernel/random/boot_id'),
    text('/etc/os-release'),
    text('/proc/meminfo'),
    text('/proc/self/status'),
    text('/proc/self/oom_score_adj'),
    text('/etc/resolv.conf'),
    statfs(home),
  ]);
  const kibibytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0) * 1024;
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  const mayLower = ((capabilities >> capSysResource) & 1n) === 1n;
  return {
    cpuCount: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    ephemeralBytes: disk.blocks * disk.bsize,
    machineId,
    systemUuid: systemUuid === '' ? machineId : systemUuid,
    bootId,
    kernelVersion: os.release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?/m.exec(osRelease)?.[1] ?? 'Linux',
    architecture: architectures[os.arch()] ?? os.arch(),
    swapBytes: kibibytes('SwapTotal'),
    hugepages: kibibytes('HugePages_Total') > 0,
    lowestOomScoreAdj: mayLower ? -1000 : Number(ownScore || '0'),
    dns: parseResolvConf(resolv),
  };
}
