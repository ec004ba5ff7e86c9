import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** What one process of a cluster holds and has used. */
export interface ProcessUsage {
  readonly pid: number;
  /** `up`, `agent`, `runtime-shim`, `launcher`; `other` for what they started besides. */
  readonly role: string;
  /** Proportional memory without the pages of the store's file, which the kernel can drop at any time. */
  readonly pssKib: number;
  /** Processor time since the process started. */
  readonly cpuMs: number;
}

/** One clock tick of `/proc/PID/stat`, on every Linux platform that Node.js supports. */
const tickMs = 10;

/** Processes of the cluster in `home` and all that they started, without containers and their monitors. */
export async function machinery(home: string): Promise<ProcessUsage[]> {
  const recorded = await recordedProcesses(home);
  const parents = await parentsByPid();
  const roles = new Map<number, string>(recorded);
  for (const pid of parents.keys()) {
    for (let parent = parents.get(pid); parent !== undefined && parent > 1; parent = parents.get(parent))
      if (recorded.has(parent) && !roles.has(pid)) roles.set(pid, (await commandOf(pid)).includes('launcher') ? 'launcher' : 'other');
  }
  const usages = await Promise.all([...roles].map(([pid, role]) => usageOf(pid, role, home)));
  return usages.filter((usage) => usage !== undefined);
}

/** Whether a process has not ended; one that only waits to be collected by its parent has. */
export async function isAlive(pid: number): Promise<boolean> {
  const fields = await statFields(pid);
  return fields !== undefined && fields[0] !== 'Z';
}

/** Proportional memory of the monitors of containers whose files are in `runFolder`, in KiB, all together. */
export async function monitorsKib(runFolder: string): Promise<number> {
  let sum = 0;
  for (const pid of await allPids()) {
    const command = await commandOf(pid);
    if (!/^\S*conmon /.test(command) || !command.includes(runFolder)) continue;
    sum += (await usageOf(pid, 'conmon', runFolder))?.pssKib ?? 0;
  }
  return sum;
}

async function recordedProcesses(home: string): Promise<Map<number, string>> {
  const folder = path.join(home, 'run');
  const found = new Map<number, string>();
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.json')) continue;
    const record = JSON.parse(await readFile(path.join(folder, name), 'utf8')) as { role: string; pid: number };
    found.set(record.pid, record.role);
  }
  return found;
}

async function parentsByPid(): Promise<Map<number, number>> {
  const parents = new Map<number, number>();
  for (const pid of await allPids()) {
    const fields = await statFields(pid);
    if (fields !== undefined) parents.set(pid, Number(fields[1]));
  }
  return parents;
}

async function allPids(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

/** The command line with spaces; empty for a process that is gone. */
async function commandOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
}

/** Fields of `/proc/PID/stat` from the state on, behind the name, which may hold spaces. */
async function statFields(pid: number): Promise<string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

async function usageOf(pid: number, role: string, home: string): Promise<ProcessUsage | undefined> {
  const fields = await statFields(pid);
  const maps = await readFile(`/proc/${pid}/smaps`, 'utf8').catch(() => '');
  if (fields === undefined || maps === '') return undefined;
  let pssKib = 0;
  let ofStore = false;
  for (const line of maps.split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) ofStore = line.includes(path.join(home, 'store'));
    else if (!ofStore && line.startsWith('Pss:')) pssKib += Number.parseInt(line.slice(4), 10);
  }
  return { pid, role, pssKib, cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs };
}
