import { readFile } from 'node:fs/promises';

/** What the whole machine uses: pods and everything else. */
export interface MachineUsage {
  readonly cpuNanos: number;
  /** Memory that could not be given to something new without taking it from somebody. */
  readonly workingSetBytes: number;
  readonly usageBytes: number;
}

/** A tick of `/proc/stat`: USER_HZ is 100 on every architecture that Linux exports it for. */
const tickNanos = 10_000_000;

export async function readMachineUsage(): Promise<MachineUsage> {
  const [stat, memory] = await Promise.all([readFile('/proc/stat', 'utf8'), readFile('/proc/meminfo', 'utf8')]);
  return { cpuNanos: cpuNanosOf(stat), ...memoryOf(memory) };
}

/** Time that all CPUs were busy: user, nice, system, irq, softirq and steal. Guests are counted in user already. */
export function cpuNanosOf(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (stat.split('\n')[0] ?? '')
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) * tickNanos;
}

export function memoryOf(meminfo: string): { workingSetBytes: number; usageBytes: number } {
  const bytesOf = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? 0) * 1024;
  const total = bytesOf('MemTotal');
  return { workingSetBytes: total - bytesOf('MemAvailable'), usageBytes: total - bytesOf('MemFree') };
}
