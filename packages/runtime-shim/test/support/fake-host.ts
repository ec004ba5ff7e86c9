import type { CommandOptions, CommandResult, Host, MountEntry, OpenCommand } from '../../src/host/host.ts';

/** A machine that only records what it is asked to do; `answer` decides what commands print. */
export class FakeHost implements Host {
  readonly commands: string[] = [];
  readonly signals: string[] = [];
  /** Start times of the processes that exist. */
  readonly processes = new Map<number, number>();
  mountPoints: string[] = [];
  boot = 'boot-1';
  answer: (command: string, options: CommandOptions) => Partial<CommandResult> | undefined = () => undefined;
  onSignal: (pid: number, signal: number | NodeJS.Signals) => void = () => undefined;

  async run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const line = [command, ...args].join(' ');
    this.commands.push(line);
    return { exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), timedOut: false, sync: '', ...this.answer(line, options) };
  }

  async open(): Promise<OpenCommand> {
    throw new Error('The fake host has no streams');
  }

  signal(pid: number, signal: number | NodeJS.Signals): boolean {
    this.signals.push(`${pid} ${signal}`);
    this.onSignal(pid, signal);
    return this.processes.has(pid);
  }

  processStart = async (pid: number): Promise<number | undefined> => this.processes.get(pid);
  findProcesses = async (): Promise<number[]> => [];
  bootId = async (): Promise<string> => this.boot;
  mounts = async (): Promise<MountEntry[]> => this.mountPoints.map((mountPoint) => ({ mountPoint, fsType: 'overlay' }));
  boundingCapabilities = async (): Promise<bigint> => 2n ** 41n - 1n;
  minOomScoreAdj = async (): Promise<number> => 0;
  close = async (): Promise<void> => undefined;
}
