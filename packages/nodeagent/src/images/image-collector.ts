import { statfs } from 'node:fs/promises';
import type { Clock, Logger } from '@bayplan/component-base';
import type { PodRuntime } from '../runtime/pod-runtime.ts';

/** Kubernetes' defaults: begin at 85 % of the disk, stop at 80 %, and spare what was used within two minutes. */
const highShare = 0.85;
const lowShare = 0.8;
const sparedMs = 120_000;

/** Removes images that no container uses, least recently used first, when the disk fills up. */
export class ImageCollector {
  readonly #runtime: PodRuntime;
  readonly #home: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #lastUsedMs = new Map<string, number>();

  /** @param home a folder on the disk that images are on. */
  constructor(options: { readonly runtime: PodRuntime; readonly home: string; readonly clock: Clock; readonly logger: Logger }) {
    this.#runtime = options.runtime;
    this.#home = options.home;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** Looks once. @returns how many images were removed. */
  async collect(signal: AbortSignal): Promise<number> {
    const { cri } = this.#runtime;
    const nowMs = this.#clock.monotonic();
    const [{ images }, { containers }] = await Promise.all([
      this.#runtime.operation('list_images', () => cri.image.listImages({}, { signal })),
      this.#runtime.operation('list_containers', () => cri.runtime.listContainers({}, { signal })),
    ]);
    const used = new Set(containers.flatMap((container) => [container.imageId, container.imageRef, container.image?.image ?? '']));
    const unused = images.filter(
      (image) => !image.pinned && ![image.id, ...image.repoTags, ...image.repoDigests].some((name) => used.has(name)),
    );
    for (const image of images) if (!unused.includes(image) || !this.#lastUsedMs.has(image.id)) this.#lastUsedMs.set(image.id, nowMs);
    for (const id of this.#lastUsedMs.keys()) if (!images.some((image) => image.id === id)) this.#lastUsedMs.delete(id);
    if ((await this.#usedShare()) < highShare) return 0;
    const lastUsed = (id: string): number => this.#lastUsedMs.get(id) ?? nowMs;
    let removed = 0;
    for (const image of unused.toSorted((a, b) => lastUsed(a.id) - lastUsed(b.id))) {
      if (nowMs - lastUsed(image.id) < sparedMs) break;
      await this.#runtime.operation('remove_image', () => cri.image.removeImage({ image: { image: image.id } }, { signal }));
      removed += 1;
      this.#logger.info('Removed an unused image', { image: image.repoTags[0] ?? image.id });
      if ((await this.#usedShare()) < lowShare) break;
    }
    return removed;
  }

  async #usedShare(): Promise<number> {
    const disk = await statfs(this.#home);
    return disk.blocks === 0 ? 0 : 1 - disk.bavail / disk.blocks;
  }
}
