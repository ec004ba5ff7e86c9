import { readFile, statfs } from 'node:fs/promises';

/** What is short on the machine right now. */
export interface Pressure {
  readonly memory: boolean;
  readonly disk: boolean;
  readonly pids: boolean;
}

/** Kubernetes' default thresholds for eviction: 100 MiB of memory, 10 % of the disk, 5 % of its inodes. */
const leastMemoryBytes = 100 * 1024 * 1024;
const leastDiskShare = 0.1;
const leastInodeShare = 0.05;
const leastPidShare = 0.05;

export async function readPressure(home: string): Promise<Pressure> {
  const [meminfo, disk, pidMax, load] = await Promise.all([
    readFile('/proc/meminfo', 'utf8'),
    statfs(home),
    readFile('/proc/sys/kernel/pid_max', 'utf8'),
    readFile('/proc/loadavg', 'utf8'),
  ]);
  const available = Number(/^MemAvailable:\s+(\d+)/m.exec(meminfo)?.[1] ?? 0) * 1024;
  // The fourth field is `runnable/all` threads, and each thread takes a pid.
  const running = Number(load.split(' ')[3]?.split('/')[1] ?? 0);
  return {
    memory: available < leastMemoryBytes,
    disk: disk.bavail < disk.blocks * leastDiskShare || (disk.files > 0 && disk.ffree < disk.files * leastInodeShare),
    pids: running > Number(pidMax) * (1 - leastPidShare),
  };
}
