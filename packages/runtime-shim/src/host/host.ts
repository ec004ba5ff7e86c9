import type { Readable, Writable } from 'node:stream';

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to the environment of the launcher. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  /** The command is killed after this time. Default 60,000; 0 means never. */
  readonly timeoutMs?: number;
  /** Kept of each output stream; the rest is read and dropped. Default 1 MiB. */
  readonly maxOutputBytes?: number;
  /** Wait for a line on file descriptor 3 instead of the end: for commands that become daemons. */
  readonly sync?: boolean;
  /**
   * The command lives as long as a process in a container does: it takes no place from the host's own
   * commands (512 such may run), or a few such processes would hold up everything else.
   */
  readonly unbounded?: boolean;
  /** Aborting it kills the command. */
  readonly signal?: AbortSignal;
}

export interface CommandResult {
  /** 128 + the signal's number when a signal ended it. */
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly timedOut: boolean;
  /** What came on file descriptor 3, with `sync`. */
  readonly sync: string;
}

/** A command whose standard streams are open. */
export interface OpenCommand {
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  /** Resolves with the exit code when the command has ended; never rejects. */
  readonly ended: Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

export interface OpenOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly streams: { readonly stdin?: boolean; readonly stdout?: boolean; readonly stderr?: boolean };
}

/** One line of /proc/self/mountinfo. */
export interface MountEntry {
  readonly mountPoint: string;
  readonly fsType: string;
}

/**
 * Everything the shim does to its machine outside of its own folders. Unit tests use a recording
 * fake; nothing else in this package spawns, signals or reads /proc.
 */
export interface Host {
  /** Runs a command to its end. Rejects only when it cannot be started or is aborted. */
  run(command: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** Starts a command and connects its streams. */
  open(command: string, args: readonly string[], options: OpenOptions): Promise<OpenCommand>;
  /** Sends a signal to a process, by number or name, or to a group (negative). False when there is none. */
  signal(pid: number, signal: number | NodeJS.Signals): boolean;
  /** When a process started, in clock ticks since boot: tells a process from a later one with its id. Undefined when it is gone or a zombie. */
  processStart(pid: number): Promise<number | undefined>;
  /** The processes whose command line contains a text. */
  findProcesses(text: string): Promise<number[]>;
  /** Changes at every boot of the machine. */
  bootId(): Promise<string>;
  mounts(): Promise<MountEntry[]>;
  /** The bits of the capabilities this process may pass on. */
  boundingCapabilities(): Promise<bigint>;
  /** The lowest `oom_score_adj` this process may set. */
  minOomScoreAdj(): Promise<number>;
  close(): Promise<void>;
}
