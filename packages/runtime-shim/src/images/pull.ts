import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '@bayplan/component-base';
import { choosePlatform, parseImageConfig, parseManifest } from './image-config.ts';
import type { Descriptor } from './image-config.ts';
import type { ImageRecord } from './image-store.ts';
import { layerNames } from './layer-store.ts';
import type { LayerStore } from './layer-store.ts';
import { digestName, parseReference, tagName } from './reference.ts';
import { RegistryClient } from './registry-client.ts';
import type { RegistryOptions } from './registry-client.ts';

export interface PullTarget {
  /** Adds the finished image. */
  readonly commit: (image: ImageRecord) => Promise<void>;
  readonly layers: LayerStore;
  /** Downloads go here and stay after a failure, to be continued; must exist. */
  readonly scratchFolder: string;
  readonly logger: Logger;
}

const maxParallelDownloads = 3;
const progressEveryBytes = 64 * 1024 * 1024;

/** Loads an image from its registry unless all of it is here, unpacks it and adds it to the images. */
export async function pullImage(target: PullTarget, name: string, options: RegistryOptions): Promise<ImageRecord> {
  const reference = parseReference(name);
  const registry = new RegistryClient(reference, options);
  const top = await registry.manifest(reference.digest ?? reference.tag ?? 'latest');
  let manifest = parseManifest(top.text);
  while (manifest.kind === 'index') manifest = parseManifest((await registry.manifest(choosePlatform(manifest.manifests).digest)).text);
  const downloads = new Downloads(target, registry, name);
  const { diffIds, run } = parseImageConfig(await registry.config(manifest.config.digest));
  if (diffIds.length !== manifest.layers.length) throw new Error('The image does not have the layers its configuration names');
  const names = layerNames(diffIds);
  const { layers } = manifest;
  const sizes = await mapLimited(names, maxParallelDownloads, async (layerName, index) => {
    const existing = await target.layers.get(layerName);
    const descriptor = layers[index];
    if (existing !== undefined || descriptor === undefined) return existing?.sizeBytes ?? 0;
    const file = await downloads.load(descriptor);
    const layer = await target.layers.ensure(layerName, diffIds[index] ?? '', file);
    await rm(file, { force: true });
    return layer.sizeBytes;
  });
  const tag = reference.digest === undefined ? tagName(reference) : undefined;
  const record: ImageRecord = {
    version: 1,
    id: manifest.config.digest,
    tags: tag === undefined ? [] : [tag],
    digests: [digestName(reference, top.digest)],
    sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
    layers: names,
    run,
  };
  await target.commit(record);
  return record;
}

/** Downloads of one pull into the scratch folder; the same blob of two pulls at once is loaded once. */
class Downloads {
  static readonly #running = new Map<string, Promise<string>>();
  readonly #target: PullTarget;
  readonly #registry: RegistryClient;
  readonly #name: string;
  #bytes = 0;
  #told = 0;

  constructor(target: PullTarget, registry: RegistryClient, name: string) {
    this.#target = target;
    this.#registry = registry;
    this.#name = name;
  }

  load(descriptor: Descriptor): Promise<string> {
    const file = path.join(this.#target.scratchFolder, 'blobs', descriptor.digest.replace(':', '-'));
    const running = Downloads.#running.get(file);
    if (running !== undefined) return running;
    const work = mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
      .then(() => this.#registry.blob(descriptor, file, (count) => this.#progress(count)))
      .then(() => file)
      .finally(() => Downloads.#running.delete(file));
    Downloads.#running.set(file, work);
    return work;
  }

  #progress(count: number): void {
    this.#bytes += count;
    if (this.#bytes - this.#told < progressEveryBytes) return;
    this.#told = this.#bytes;
    this.#target.logger.info('Pulled a part of an image', { image: this.#name, bytes: this.#bytes });
  }
}

/** Maps with at most `limit` running at once; the first failure wins. */
async function mapLimited<T, R>(items: readonly T[], limit: number, work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
