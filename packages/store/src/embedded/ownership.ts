import { StoreError } from '../store-error.ts';
import type { Environment } from './environment.ts';
import { isRunning, processStart, putMetaValue, readMetaValue, transact } from './environment.ts';

interface Owner {
  readonly pid: number;
  readonly started: string;
}

/** Folders that this process has open. */
const held = new Set<string>();

/** Reserves `directory` within this process. Throws `invalid` when it is open already. */
export function holdDirectory(directory: string): void {
  if (held.has(directory)) throw inUse(directory, process.pid);
  held.add(directory);
}

export function releaseDirectory(directory: string): void {
  held.delete(directory);
}

/**
 * Makes this process the only one that uses the store. The owner is written in the store itself,
 * inside a transaction, which LMDB makes exclusive between processes; it says when the process was
 * started, so an owner that died, or whose process id was given to another, is replaced.
 * Throws `invalid` with the id of the process that has the store.
 */
export async function takeOwnership(environment: Environment): Promise<void> {
  const self: Owner = { pid: process.pid, started: await processStart(process.pid) };
  for (;;) {
    const found = readMetaValue(environment, 'owner');
    if (isOwner(found) && found.pid !== self.pid && (await isRunning(found.pid, found.started)))
      throw inUse(environment.directory, found.pid);
    const taken = await transact(environment, () => {
      if (JSON.stringify(readMetaValue(environment, 'owner')) !== JSON.stringify(found)) return false;
      void putMetaValue(environment, 'owner', self);
      return true;
    });
    if (taken) return;
  }
}

function inUse(directory: string, pid: number): StoreError {
  return new StoreError('invalid', `The store in ${directory} is in use by pid ${String(pid)}`);
}

function isOwner(value: unknown): value is Owner {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'started' in value &&
    typeof value.started === 'string'
  );
}
