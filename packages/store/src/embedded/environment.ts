import { mkdir, open as openFile, readFile, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { open } from 'lmdb';
import type { Database, RootDatabase } from 'lmdb';
import { StoreError } from '../store-error.ts';

export interface Environment {
  readonly directory: string;
  readonly root: RootDatabase<Buffer, Buffer>;
  /** Revision to record. */
  readonly log: Database<Buffer, Buffer>;
  /** Key to the revision of its newest write. */
  readonly index: Database<Buffer, Buffer>;
  /** State of the store itself, by name, as JSON. */
  readonly meta: Database<Buffer, Buffer>;
}

const dataFile = 'data.mdb';
const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;

/**
 * Opens the LMDB files in `directory`, which is created if absent. Commits are synchronous: lmdb-js
 * by default resolves a write before it is on disk (`overlappingSync`), and a store must not.
 */
export async function openEnvironment(directory: string): Promise<Environment> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await checkDataFile(path.join(directory, dataFile));
  try {
    const root = open<Buffer, Buffer>({
      path: directory,
      noSubdir: false,
      overlappingSync: false,
      compression: false,
      cache: false,
      maxDbs: 4,
      maxReaders: 32,
      ...binary,
    });
    const [log, index, meta] = ['log', 'index', 'meta'].map((name) => root.openDB({ name, compression: false, cache: false, ...binary }));
    if (log === undefined || index === undefined || meta === undefined) throw new Error('LMDB opened no database');
    await syncDirectory(directory);
    return { directory, root, log, index, meta };
  } catch (error) {
    throw toStoreError(error, `The store in ${directory} cannot be opened`);
  }
}

/** A new file survives a power failure only once its folder was flushed too. */
async function syncDirectory(directory: string): Promise<void> {
  for (const folder of [directory, path.dirname(directory)]) {
    const handle = await openFile(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

/**
 * LMDB reads through a memory map, so a data file that was cut short kills the process (SIGBUS)
 * instead of failing. Compare the length with what the newest meta page says before mapping it.
 */
async function checkDataFile(file: string): Promise<void> {
  let handle;
  try {
    handle = await openFile(file, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw new StoreError('corrupt', `${file} cannot be read`, { cause: error });
  }
  try {
    const { size } = await handle.stat();
    if (size === 0) return;
    const damaged = (why: string): StoreError =>
      new StoreError('corrupt', `${file} is damaged: ${why}. Restore a snapshot, or remove the folder to start empty`);
    const first = await readMeta(handle, 0);
    if (first === undefined) throw damaged('it has no header');
    const second = await readMeta(handle, first.pageBytes);
    const newest = second !== undefined && second.transaction > first.transaction ? second : first;
    const needed = (newest.lastPage + 1n) * BigInt(first.pageBytes);
    if (BigInt(size) < needed) throw damaged(`it is ${String(size)} bytes long and should be ${String(needed)}`);
  } finally {
    await handle.close();
  }
}

/** The fields of an LMDB meta page that say how long the file must be (lmdb.h, `MDB_meta`, as laid out by lmdb-js). */
async function readMeta(
  handle: Awaited<ReturnType<typeof openFile>>,
  position: number,
): Promise<{ pageBytes: number; lastPage: bigint; transaction: bigint } | undefined> {
  const page = Buffer.alloc(0xa0);
  const { bytesRead } = await handle.read(page, 0, page.length, position);
  if (bytesRead < page.length || page.readUInt32LE(0x18) !== 0xbeefc0de) return undefined;
  const pageBytes = page.readUInt32LE(0x30);
  if (pageBytes < 512 || pageBytes > 65_536) return undefined;
  return { pageBytes, lastPage: page.readBigUInt64LE(0x90), transaction: page.readBigUInt64LE(0x98) };
}

export function readMetaValue(environment: Environment, name: string): unknown {
  const bytes = environment.meta.get(Buffer.from(name));
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch (error) {
    throw new StoreError('corrupt', `The store's "${name}" is damaged`, { cause: error });
  }
}

export function putMetaValue(environment: Environment, name: string, value: unknown): Promise<boolean> {
  return environment.meta.put(Buffer.from(name), Buffer.from(JSON.stringify(value)));
}

interface AppendingDatabase {
  put(key: Buffer, value: Buffer, options: { readonly append: boolean }): Promise<boolean>;
}

/** Puts a key greater than all others: LMDB then fills pages instead of halving them. Resolves false for a lesser key. */
export function append(database: Database<Buffer, Buffer>, key: Buffer, value: Buffer): Promise<boolean> {
  return (database as unknown as AppendingDatabase).put(key, value, { append: true });
}

/**
 * Runs `enqueue`, which calls put and remove without awaiting, as one transaction, and resolves when
 * it is flushed to disk. Every promise that lmdb-js made has to be returned: a failed transaction
 * rejects each of them.
 */
export async function commit(environment: Environment, enqueue: () => readonly Promise<boolean>[]): Promise<void> {
  const settled = Promise.allSettled(new Set(enqueue()));
  await ownLastPromise(environment);
  const results = await settled;
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    throw await toCommitError(environment, failed.reason);
  }
  if (results.some((result) => result.status === 'fulfilled' && !result.value))
    throw new StoreError('corrupt', 'The log already holds a later revision');
}

/** Runs `change`, which reads and puts, as one transaction that no other process can come between. Flushed when it resolves. */
export async function transact<T>(environment: Environment, change: () => T): Promise<T> {
  const result = environment.root.transaction(change);
  const [settled] = await Promise.allSettled([result, ownLastPromise(environment)]);
  if (settled.status === 'fulfilled') return settled.value;
  throw await toCommitError(environment, settled.reason);
}

/**
 * lmdb-js begins a transaction in its own setImmediate, with one more promise that it keeps to itself;
 * a failed transaction rejects that one too, and unhandled it would end the process.
 */
async function ownLastPromise(environment: Environment): Promise<void> {
  await nextTurn();
  await Promise.allSettled([environment.root.committed]);
}

/** LMDB reports a short write as EIO, so ask the file system whether it is full. */
async function toCommitError(environment: Environment, failure: unknown): Promise<StoreError> {
  let error = failure;
  if (typeof failure === 'object' && failure !== null && 'commitError' in failure)
    error = await Promise.resolve(failure.commitError).catch((inner: unknown) => inner);
  const { freeBytes } = await diskSpace(environment.directory);
  if (freeBytes < 1024 * 1024) return new StoreError('full', `No space is left in ${environment.directory}`, { cause: error });
  return toStoreError(error, 'A write to the store failed');
}

export async function diskSpace(directory: string): Promise<{ freeBytes: number; fileBytes: number }> {
  const [disk, file] = await Promise.all([statfs(directory), stat(path.join(directory, dataFile))]);
  return { freeBytes: disk.bavail * disk.bsize, fileBytes: file.size };
}

/** errno values of Linux and macOS that mean no room: EFBIG, ENOSPC, EDQUOT. */
const fullErrnos = [27, 28, 69, 122];
const mapFull = -30_792;

export function toStoreError(error: unknown, what: string): StoreError {
  if (error instanceof StoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = errorCode(error);
  const full =
    code === mapFull ||
    (typeof code === 'number' && fullErrnos.includes(code)) ||
    /MDB_MAP_FULL|No space left|quota exceeded/i.test(message);
  return new StoreError(full ? 'full' : 'corrupt', `${what}: ${message}`, { cause: error });
}

function errorCode(error: unknown): string | number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' || typeof error.code === 'number' ? error.code : undefined;
}

/** True while the process that has this id, and was started when `started` says, is alive. */
export async function isRunning(pid: number, started: string): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
  }
  return (await processStart(pid)) === started;
}

/** Tells one life of a process id from the next: boot id and start time on Linux, nothing elsewhere. */
export async function processStart(pid: number): Promise<string> {
  if (process.platform !== 'linux') return '';
  try {
    const [boot, statLine] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${String(pid)}/stat`, 'utf8'),
    ]);
    // Fields from the third on, counted after the command name, which may contain spaces and parentheses.
    const fields = statLine.slice(statLine.lastIndexOf(')') + 2).split(' ');
    // A killed process that its parent has not collected yet, with its last thread gone, holds nothing any more.
    if (fields[0] === 'Z' && Number(fields[17]) <= 1) return 'gone';
    return `${boot.trim()}/${fields[19] ?? ''}`;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH') return 'gone';
    throw error;
  }
}
