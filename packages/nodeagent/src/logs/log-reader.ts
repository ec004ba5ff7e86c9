import { watch } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { parseLogLine } from './log-line.ts';
import type { LogOptions } from './log-options.ts';

const chunkBytes = 64 * 1024;
const newline = 0x0a;
/** While following, the container's state is looked at this often even if its log is silent. */
const followCheckMs = 1_000;

/** Yields the log of one attempt of a container as it goes to the client: lines, with times if wanted. */
export async function* readLog(
  file: string,
  options: LogOptions,
  isRunning: () => Promise<boolean>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const budget = { bytes: options.limitBytes ?? Number.POSITIVE_INFINITY };
  const rotated = options.follow && options.tailLines !== undefined ? [] : await rotatedFiles(file);
  // Rotated files are older: all of them first, unless the last lines are in the newest one.
  const files = options.tailLines === undefined ? [...rotated, file] : await filesForTail(rotated, file, options.tailLines);
  for (const [index, each] of files.entries()) {
    const handle = await open(each, 'r').catch(() => undefined);
    if (handle === undefined) continue;
    try {
      const start =
        index === 0 && options.tailLines !== undefined ? await tailOffset(handle, remainingTail(options.tailLines, files.length)) : 0;
      const isLast = index === files.length - 1;
      yield* readFrom(handle, each, start, isLast && options.follow, options, budget, isRunning, signal);
      if (budget.bytes <= 0) return;
    } finally {
      await handle.close();
    }
  }
}

function remainingTail(lines: number, files: number): number {
  return files === 1 ? lines : Number.POSITIVE_INFINITY;
}

async function filesForTail(rotated: readonly string[], file: string, lines: number): Promise<string[]> {
  if (lines === 0) return [file];
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return [file];
  try {
    // The beginning of the file is reached before that many lines: an older file has the rest.
    const needsOlder = rotated.length > 0 && (await tailOffset(handle, lines + 1)) === 0;
    return needsOlder ? [...rotated.slice(-1), file] : [file];
  } finally {
    await handle.close();
  }
}

/** Rotated logs of the same attempt, oldest first: `0.log.20260102-150405`. Compressed ones are left out. */
async function rotatedFiles(file: string): Promise<string[]> {
  const base = path.basename(file);
  const names = await readdir(path.dirname(file)).catch(() => []);
  return names
    .filter((name) => name.startsWith(`${base}.`) && !name.endsWith('.gz'))
    .toSorted()
    .map((name) => path.join(path.dirname(file), name));
}

async function* readFrom(
  handle: FileHandle,
  file: string,
  start: number,
  follow: boolean,
  options: LogOptions,
  budget: { bytes: number },
  isRunning: () => Promise<boolean>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let current = handle;
  let offset = start;
  let rest: Buffer = Buffer.alloc(0);
  let lastRound = false;
  const buffer = Buffer.alloc(chunkBytes);
  try {
    for (;;) {
      const { bytesRead } = await current.read(buffer, 0, chunkBytes, offset);
      if (signal.aborted) return;
      if (bytesRead > 0) {
        offset += bytesRead;
        const data = rest.length === 0 ? Buffer.from(buffer.subarray(0, bytesRead)) : Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
        const end = data.lastIndexOf(newline);
        rest = end < 0 ? data : data.subarray(end + 1);
        const output = formatLines(data.subarray(0, end + 1), options, budget);
        if (output.length > 0) yield output;
        if (budget.bytes <= 0) return;
        continue;
      }
      if (!follow || lastRound) return;
      const fresh = await replacement(current, file, offset);
      if (fresh !== undefined) {
        if (current !== handle) await current.close();
        current = fresh;
        offset = 0;
        rest = Buffer.alloc(0);
        continue;
      }
      // What was written just before the container ended must still be read once.
      lastRound = !(await isRunning());
      if (!lastRound) await changed(file, signal);
    }
  } finally {
    if (current !== handle) await current.close();
  }
}

/** A new file under the name of the one being read (it was rotated), or the same one if it was cut. */
async function replacement(current: FileHandle, file: string, offset: number): Promise<FileHandle | undefined> {
  const [own, named] = await Promise.all([current.stat(), stat(file).catch(() => undefined)]);
  if (named === undefined || (named.ino === own.ino && named.size >= offset)) return undefined;
  return open(file, 'r').catch(() => undefined);
}

/** Resolves when the file changes, after a while at the latest. */
function changed(file: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      watcher?.close();
      resolve();
    };
    const timer = setTimeout(finish, followCheckMs);
    let watcher: ReturnType<typeof watch> | undefined;
    try {
      watcher = watch(file, finish);
      watcher.on('error', finish);
    } catch {
      // Gone, or the machine has no watches left: the timer does.
      watcher = undefined;
    }
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted) finish();
  });
}

function formatLines(data: Buffer, options: LogOptions, budget: { bytes: number }): Buffer {
  const parts: Buffer[] = [];
  let begin = 0;
  while (begin < data.length && budget.bytes > 0) {
    let end = data.indexOf(newline, begin);
    if (end < 0) end = data.length;
    const line = parseLogLine(data.subarray(begin, end));
    begin = end + 1;
    if (line === undefined) continue;
    if (options.stream !== 'All' && line.stream !== options.stream.toLowerCase()) continue;
    if (options.sinceMs !== undefined && Date.parse(line.time) < options.sinceMs) continue;
    const pieces = [
      ...(options.timestamps ? [Buffer.from(`${line.time} `)] : []),
      line.content,
      ...(line.partial ? [] : [Buffer.from('\n')]),
    ];
    for (const piece of pieces) {
      const fitting = piece.subarray(0, Math.min(piece.length, budget.bytes));
      budget.bytes -= fitting.length;
      parts.push(fitting);
    }
  }
  return Buffer.concat(parts);
}

/** Where the last `lines` lines of a file begin. */
async function tailOffset(handle: FileHandle, lines: number): Promise<number> {
  const { size } = await handle.stat();
  if (lines === 0) return size;
  if (!Number.isFinite(lines)) return 0;
  let position = size;
  let seen = 0;
  const buffer = Buffer.alloc(chunkBytes);
  while (position > 0) {
    const length = Math.min(chunkBytes, position);
    position -= length;
    const { bytesRead } = await handle.read(buffer, 0, length, position);
    for (let index = bytesRead - 1; index >= 0; index--) {
      if (buffer[index] !== newline) continue;
      // The newline at the very end finishes the last line; it does not begin another.
      if (position + index === size - 1) continue;
      seen += 1;
      if (seen === lines) return position + index + 1;
    }
  }
  return 0;
}
