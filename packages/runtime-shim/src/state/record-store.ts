import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/** Replaces a file atomically: readers and crashes see the old content or the new, never a part. */
export async function replaceFile(file: string, content: string): Promise<void> {
  const draft = `${file}.new`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(content);
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}

/**
 * Records of one kind, in memory and as one JSON file each under `FOLDER/ID/state.json`. A record
 * is changed in place by its owner and then saved; saves of one record are serialised.
 */
export class RecordStore<T extends { readonly id: string }> {
  readonly #folder: string;
  readonly #records = new Map<string, T>();
  readonly #saving = new Map<string, Promise<void>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads all records; folders without a whole one are leftovers of a crash and returned by name. */
  async load(): Promise<string[]> {
    await mkdir(this.#folder, { recursive: true, mode: 0o711 });
    const leftovers: string[] = [];
    for (const id of await readdir(this.#folder)) {
      try {
        const record = JSON.parse(await readFile(path.join(this.#folder, id, 'state.json'), 'utf8')) as T;
        this.#records.set(record.id, record);
      } catch (error) {
        if (!(error instanceof SyntaxError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        leftovers.push(id);
      }
    }
    return leftovers;
  }

  /** The folder that belongs to a record. */
  folderOf(id: string): string {
    return path.join(this.#folder, id);
  }

  get(id: string): T | undefined {
    return this.#records.get(id);
  }

  /** The record whose id is or starts with `prefix`, if exactly one does. */
  find(prefix: string): T | undefined {
    const exact = this.#records.get(prefix);
    if (exact !== undefined || prefix.length < 8) return exact;
    const matches = [...this.#records.values()].filter((record) => record.id.startsWith(prefix));
    return matches.length === 1 ? matches[0] : undefined;
  }

  all(): T[] {
    return [...this.#records.values()];
  }

  /** Adds a new record, on disk before it resolves. */
  async add(record: T): Promise<void> {
    this.#records.set(record.id, record);
    await mkdir(this.folderOf(record.id), { recursive: true, mode: 0o711 });
    await this.save(record);
  }

  async save(record: T): Promise<void> {
    const before = this.#saving.get(record.id) ?? Promise.resolve();
    const write = (): Promise<void> => replaceFile(path.join(this.folderOf(record.id), 'state.json'), JSON.stringify(record));
    const next = before.then(write, write);
    this.#saving.set(record.id, next);
    try {
      await next;
    } finally {
      if (this.#saving.get(record.id) === next) this.#saving.delete(record.id);
    }
  }

  /** Forgets the record and removes its folder. */
  async remove(id: string): Promise<void> {
    await this.#saving.get(id);
    // The file first: a crash in between leaves a folder without a record, which `load` reports.
    await rm(path.join(this.folderOf(id), 'state.json'), { force: true });
    this.#records.delete(id);
    await rm(this.folderOf(id), { recursive: true, force: true });
  }
}
