import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Home } from '../home.ts';
import { UserError } from '../user-error.ts';

/** A process that was started for a cluster, told from a later one with the same pid by its start time. */
export interface ProcessRecord {
  readonly role: string;
  readonly pid: number;
  /** Clock ticks after boot, field 22 of `/proc/PID/stat`; empty where there is no `/proc`. */
  readonly startTime: string;
}

async function startTimeOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command name may hold spaces and brackets, so count fields after the last ')'.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Writes down this process under `role` in `runDir`; returns how to take the record back. */
export async function recordProcess(runDir: string, role: string, pid = process.pid): Promise<() => Promise<void>> {
  const file = path.join(runDir, `${role}.json`);
  const record: ProcessRecord = { role, pid, startTime: (await startTimeOf(pid)) ?? '' };
  await writeFile(file, JSON.stringify(record), { mode: 0o600 });
  return () => rm(file, { force: true });
}

/** The recorded processes that still run. Records of dead ones are removed. */
export async function runningProcesses(runDir: string): Promise<ProcessRecord[]> {
  const running: ProcessRecord[] = [];
  for (const name of await readdir(runDir).catch(() => [] as string[])) {
    if (!name.endsWith('.json')) continue;
    const record = await readRecord(path.join(runDir, name));
    if (record && (await isRunning(record))) running.push(record);
    else await rm(path.join(runDir, name), { force: true });
  }
  return running;
}

async function readRecord(file: string): Promise<ProcessRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(file, 'utf8')) as Partial<ProcessRecord>;
    if (typeof record.pid !== 'number' || typeof record.role !== 'string' || typeof record.startTime !== 'string') return undefined;
    return { role: record.role, pid: record.pid, startTime: record.startTime };
  } catch {
    return undefined; // Half-written by a process that was killed: it holds nothing to stop.
  }
}

export async function isRunning(record: ProcessRecord): Promise<boolean> {
  if (record.startTime !== '') return (await startTimeOf(record.pid)) === record.startTime;
  try {
    process.kill(record.pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** SIGTERM, then SIGKILL after `graceMs`. Resolves when the process is gone. */
export async function stopProcess(record: ProcessRecord, graceMs: number): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGTERM', graceMs],
    ['SIGKILL', 5_000],
  ] as const) {
    if (!(await isRunning(record))) return;
    process.kill(record.pid, signal);
    for (let waitedMs = 0; waitedMs < waitMs; waitedMs += 50) {
      if (!(await isRunning(record))) return;
      await sleep(50);
    }
  }
  throw new Error(`process ${record.pid} (${record.role}) did not end after SIGKILL`);
}

/** Rejects with a `UserError` when a process of one of `roles` runs on this home folder already. */
export async function refuseSecondInstance(home: Home, roles: readonly string[]): Promise<void> {
  const running = await runningProcesses(home.run);
  const other = running.find((record) => roles.includes(record.role));
  if (other)
    throw new UserError(
      `${other.role} runs on ${home.dir} already (pid ${other.pid})`,
      'stop it with `npm run down`, or set BAYPLAN_HOME to another folder',
    );
}
