import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ImageRunConfig } from '../spec/oci-spec.ts';
import { replaceFile } from '../state/record-store.ts';
import { parseReference, tagName } from './reference.ts';

/** An image that is here whole: all its layers are unpacked. */
export interface ImageRecord {
  readonly version: 1;
  /** Digest of its configuration, `sha256:…`. */
  readonly id: string;
  readonly tags: readonly string[];
  /** `registry/repository@digest` of manifests it was pulled by. */
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  /** Names in the layer folder, bottom first. */
  readonly layers: readonly string[];
  readonly run: ImageRunConfig;
}

/** Images by id, one file each. Another process may add images at any time: reads look at the folder again when it changed. */
export class ImageStore {
  readonly #folder: string;
  #images = new Map<string, ImageRecord>();
  #seenAt = -1;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async list(): Promise<ImageRecord[]> {
    await this.#refresh();
    return [...this.#images.values()];
  }

  /** Finds by id (with or without `sha256:`, or a prefix of 12 and more), tag or digest. */
  async find(name: string): Promise<ImageRecord | undefined> {
    await this.#refresh();
    const bare = name.replace(/^sha256:/, '');
    if (/^[0-9a-f]{12,64}$/.test(bare)) {
      const matches = [...this.#images.values()].filter((image) => image.id.slice(7).startsWith(bare));
      if (matches.length > 0) return matches.length === 1 ? matches[0] : undefined;
    }
    if (name === '') return undefined;
    const reference = parseReference(name);
    const tag = reference.digest === undefined ? tagName(reference) : undefined;
    return [...this.#images.values()].find((image) =>
      tag === undefined
        ? image.digests.includes(`${reference.registry}/${reference.repository}@${reference.digest ?? ''}`)
        : image.tags.includes(tag),
    );
  }

  /** Adds an image or more names of one; a tag moves here from the image that had it. */
  async put(image: ImageRecord): Promise<void> {
    await this.#refresh();
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const before = this.#images.get(image.id);
    const union = (one: readonly string[] = [], other: readonly string[] = []): string[] => [...new Set([...one, ...other])];
    const merged = { ...image, tags: union(before?.tags, image.tags), digests: union(before?.digests, image.digests) };
    for (const other of this.#images.values()) {
      const kept = other.tags.filter((tag) => !image.tags.includes(tag));
      if (other.id !== image.id && kept.length !== other.tags.length) await this.#write({ ...other, tags: kept });
    }
    await this.#write(merged);
    this.#seenAt = -1;
  }

  async remove(id: string): Promise<void> {
    await rm(this.#file(id), { force: true });
    this.#images.delete(id);
    this.#seenAt = -1;
  }

  #file(id: string): string {
    return path.join(this.#folder, `${id.replace(/^sha256:/, '')}.json`);
  }

  async #write(image: ImageRecord): Promise<void> {
    await replaceFile(this.#file(image.id), JSON.stringify(image));
  }

  async #refresh(): Promise<void> {
    const changedAt = await stat(this.#folder).then(
      (stats) => stats.mtimeMs,
      () => 0,
    );
    if (changedAt === this.#seenAt) return;
    const images = new Map<string, ImageRecord>();
    const names = changedAt === 0 ? [] : await readdir(this.#folder);
    for (const name of names) {
      if (!name.endsWith('.json')) continue;
      const image = await readRecord(path.join(this.#folder, name));
      if (image !== undefined) images.set(image.id, image);
    }
    this.#images = images;
    this.#seenAt = changedAt;
  }
}

/** A file that another process removed, or that a power cut left without its content, is no image: it is pulled again. */
async function readRecord(file: string): Promise<ImageRecord | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ImageRecord;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
