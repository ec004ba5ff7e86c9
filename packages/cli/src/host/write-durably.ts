import { open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';

/**
 * Lets `write` fill a file that only its owner can read, and puts it in place of `file` once it is on disk.
 * When `write` rejects, nothing is left and `file` is as it was.
 */
export async function writeDurably<T>(file: string, write: (handle: FileHandle) => Promise<T>): Promise<T> {
  const draft = `${file}.${process.pid}.new`;
  const handle = await open(draft, 'w', 0o600);
  try {
    const result = await write(handle);
    await handle.sync();
    await handle.close();
    await rename(draft, file);
    await flushFolder(path.dirname(file));
    return result;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(draft, { force: true });
    throw error;
  }
}

/** Makes what was created and renamed in a folder outlive a power cut. */
export async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
