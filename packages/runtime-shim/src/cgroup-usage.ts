import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** What a cgroup has used and uses; undefined where the kernel does not say. */
export interface CgroupUsage {
  readonly cpuNanos: number | undefined;
  readonly memoryBytes: number | undefined;
  /** Memory without what the kernel could drop at once. */
  readonly workingSetBytes: number | undefined;
  readonly rssBytes: number | undefined;
  readonly pageFaults: number | undefined;
  readonly majorPageFaults: number | undefined;
  /** Undefined when there is no limit. */
  readonly memoryLimitBytes: number | undefined;
  readonly swapBytes: number | undefined;
  readonly processes: number | undefined;
}

/** Cgroup version 1 shows "no limit" as the largest page-aligned number. */
const unlimitedFromBytes = 2 ** 62;

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ENODEV: the cgroup was removed between opening and reading.
    if (code === 'ENOENT' || code === 'ENODEV') return undefined;
    throw error;
  }
}

const numberOf = (text: string | undefined): number | undefined => (text === undefined || !/^\d/.test(text) ? undefined : Number(text));

function keyed(text: string | undefined): Record<string, number> {
  return Object.fromEntries(
    (text ?? '').split('\n').map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1] ?? Number.NaN)] as const),
  );
}

function difference(from: number | undefined, subtract: number | undefined): number | undefined {
  return from === undefined ? undefined : Math.max(0, from - (subtract ?? 0));
}

/** Reads the usage of a cgroup by its path below the hierarchies' roots. */
export async function readCgroupUsage(mount: string, cgroupPath: string, version2: boolean): Promise<CgroupUsage> {
  return version2 ? readVersion2(path.join(mount, cgroupPath)) : readVersion1(mount, cgroupPath);
}

async function readVersion1(mount: string, cgroupPath: string): Promise<CgroupUsage> {
  const memory = path.join(mount, 'memory', cgroupPath);
  const [cpu, usage, statText, limitText, memsw, pids] = await Promise.all([
    read(path.join(mount, 'cpuacct', cgroupPath, 'cpuacct.usage')),
    read(path.join(memory, 'memory.usage_in_bytes')),
    read(path.join(memory, 'memory.stat')),
    read(path.join(memory, 'memory.limit_in_bytes')),
    read(path.join(memory, 'memory.memsw.usage_in_bytes')),
    read(path.join(mount, 'pids', cgroupPath, 'pids.current')),
  ]);
  const stat = keyed(statText);
  const memoryBytes = numberOf(usage);
  const limit = numberOf(limitText);
  return {
    cpuNanos: numberOf(cpu),
    memoryBytes,
    workingSetBytes: difference(memoryBytes, stat['total_inactive_file']),
    rssBytes: stat['total_rss'],
    pageFaults: stat['total_pgfault'],
    majorPageFaults: stat['total_pgmajfault'],
    memoryLimitBytes: limit === undefined || limit >= unlimitedFromBytes ? undefined : limit,
    swapBytes: memsw === undefined ? undefined : difference(numberOf(memsw), memoryBytes),
    processes: numberOf(pids),
  };
}

async function readVersion2(folder: string): Promise<CgroupUsage> {
  const [cpu, usage, statText, limit, swap, pids] = await Promise.all(
    ['cpu.stat', 'memory.current', 'memory.stat', 'memory.max', 'memory.swap.current', 'pids.current'].map((name) =>
      read(path.join(folder, name)),
    ),
  );
  const stat = keyed(statText);
  const cpuMicros = keyed(cpu)['usage_usec'];
  const memoryBytes = numberOf(usage);
  return {
    cpuNanos: cpuMicros === undefined ? undefined : cpuMicros * 1000,
    memoryBytes,
    workingSetBytes: difference(memoryBytes, stat['inactive_file']),
    rssBytes: stat['anon'],
    pageFaults: stat['pgfault'],
    majorPageFaults: stat['pgmajfault'],
    memoryLimitBytes: numberOf(limit),
    swapBytes: numberOf(swap),
    processes: numberOf(pids),
  };
}
