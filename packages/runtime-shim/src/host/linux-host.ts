import { readdir, readFile } from 'node:fs/promises';
import type { CommandOptions, CommandResult, Host, MountEntry, OpenCommand, OpenOptions } from './host.ts';
import { Launcher } from './launcher.ts';

/** The real machine. `socketFolder` is an existing private folder. */
export function createLinuxHost(socketFolder: string): Host {
  const launcher = new Launcher(socketFolder);
  let bootId: Promise<string> | undefined;
  return {
    run: (command: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult> =>
      launcher.run(command, args, options),
    open: (command: string, args: readonly string[], options: OpenOptions): Promise<OpenCommand> => launcher.open(command, args, options),
    signal: sendSignal,
    processStart,
    findProcesses,
    bootId: () => (bootId ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then((text) => text.trim())),
    mounts: async () => parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8')),
    boundingCapabilities: async () => {
      const status = await readFile('/proc/self/status', 'utf8');
      return BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
    },
    minOomScoreAdj: async () => {
      const status = await readFile('/proc/self/status', 'utf8');
      const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
      const sysResource = 24n;
      // Without CAP_SYS_RESOURCE a process can only raise the value it runs with.
      return (effective >> sysResource) & 1n ? -1000 : Number(await readFile('/proc/self/oom_score_adj', 'utf8'));
    },
    close: () => launcher.close(),
  };
}

function sendSignal(pid: number, signal: number | NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

async function processStart(pid: number): Promise<number | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
  // The name, in parentheses, may hold anything; the state is field 3 and the start time field 22 (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
}

async function findProcesses(text: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    // Processes come and go meanwhile; one that is gone is not found.
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(text)) found.push(Number(name));
  }
  return found;
}

/** Mount points and types from the text of a mountinfo file; octal escapes are undone. */
export function parseMountInfo(text: string): MountEntry[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const mountPoint = (before.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(parseInt(octal, 8)),
      );
      return { mountPoint, fsType: after.split(' ')[0] ?? '' };
    });
}
