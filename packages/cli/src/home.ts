import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { UserError } from './user-error.ts';

/** Where a cluster keeps what it must not lose. One folder a machine. */
export interface Home {
  readonly dir: string;
  readonly kubeconfig: string;
  /** Embedded store. */
  readonly store: string;
  /** Certificates and keys of this machine, 0700. */
  readonly pki: string;
  /** Secret that opens the cluster's keys in the store. */
  readonly bootstrapSecret: string;
  /** Records of running processes. */
  readonly run: string;
  readonly logs: string;
  /** Node agent: volumes of pods. */
  readonly agent: string;
  /** Runtime shim: images, containers. */
  readonly runtime: string;
}

/** `BAYPLAN_HOME`, else `/var/lib/bayplan` for root, else below `XDG_STATE_HOME`. */
export function defaultHomeDir(env: NodeJS.ProcessEnv, isRoot: boolean): string {
  if (env['BAYPLAN_HOME']) return path.resolve(env['BAYPLAN_HOME']);
  if (isRoot) return '/var/lib/bayplan';
  return path.join(env['XDG_STATE_HOME'] ?? path.join(homedir(), '.local/state'), 'bayplan');
}

export function homeAt(dir: string): Home {
  const at = (name: string): string => path.join(dir, name);
  return {
    dir,
    kubeconfig: at('kubeconfig'),
    store: at('store'),
    pki: at('pki'),
    bootstrapSecret: at('pki/bootstrap-secret'),
    run: at('run'),
    logs: at('logs'),
    agent: at('agent'),
    runtime: at('runtime'),
  };
}

/** Creates the folders that every process expects. Rejects with a `UserError` when it may not. */
export async function prepareHome(home: Home): Promise<void> {
  try {
    await mkdir(home.dir, { recursive: true, mode: 0o755 });
    for (const dir of [home.pki, home.run, home.logs]) await mkdir(dir, { recursive: true, mode: 0o700 });
    await chmod(home.pki, 0o700);
  } catch (error) {
    throw new UserError(`cannot write ${home.dir} (${(error as Error).message})`, 'run as root, or set BAYPLAN_HOME to a folder of yours');
  }
}

/** Replaces a file in one step, so that a reader sees the old text or the new one. */
export async function writeSecretFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.new`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, file);
}

/** The file's text, or undefined when it does not exist. */
export async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Removes a folder and all below it. A mount point stays, empty: only who mounted it may take it away. */
export async function removeTree(dir: string): Promise<void> {
  // Of its own accord `rm` gives up at a mount point before it has looked inside.
  const names = await readdir(dir).catch(() => []);
  for (const name of names) await rm(path.join(dir, name), { recursive: true, force: true });
  try {
    await rm(dir, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
  }
}
