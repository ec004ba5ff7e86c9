import { createHash, randomBytes } from 'node:crypto';
import { access, mkdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Host } from '../host/host.ts';
import { choosePlatform, parseImageConfig, parseManifest } from './image-config.ts';
import type { ImageRecord, ImageStore } from './image-store.ts';
import { layerNames } from './layer-store.ts';
import type { LayerStore } from './layer-store.ts';
import { parseReference, tagName } from './reference.ts';

export interface ImportTarget {
  readonly images: ImageStore;
  readonly layers: LayerStore;
  readonly host: Host;
  /** For unpacking archives; must exist. */
  readonly scratchFolder: string;
}

interface FoundImage {
  readonly configFile: string;
  /** Tar archives, bottom first. */
  readonly layerFiles: readonly string[];
  readonly tags: readonly string[];
}

/**
 * Imports the images of a docker-archive or OCI layout: a tar file (plain, gzip or zstd) or a folder.
 * Returns the records of all its images. `names` replaces the names that the archive gives.
 */
export async function importArchive(target: ImportTarget, file: string, names: readonly string[] = []): Promise<ImageRecord[]> {
  const isFolder = (await stat(file)).isDirectory();
  const folder = isFolder ? file : path.join(target.scratchFolder, `archive-${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    if (!isFolder) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const { exitCode, stderr } = await target.host.run(
        'tar',
        ['--extract', '--auto-compress', `--file=${file}`, `--directory=${folder}`, '--no-same-owner'],
        { timeoutMs: 600_000 },
      );
      if (exitCode !== 0) throw new Error(`Cannot read the archive ${file}: ${stderr.toString().trim()}`);
    }
    const found = (await exists(path.join(folder, 'index.json'))) ? await ociImages(folder) : await dockerImages(folder);
    const records: ImageRecord[] = [];
    for (const image of found) records.push(await importImage(target, { ...image, tags: names.length > 0 ? names : image.tags }));
    return records;
  } finally {
    if (!isFolder) await rm(folder, { recursive: true, force: true });
  }
}

async function importImage(target: ImportTarget, found: FoundImage): Promise<ImageRecord> {
  const configText = await readFile(found.configFile, 'utf8');
  const { diffIds, run } = parseImageConfig(configText);
  if (diffIds.length !== found.layerFiles.length) throw new Error('The image does not have the layers its configuration names');
  const layers = layerNames(diffIds);
  let sizeBytes = 0;
  for (const [index, name] of layers.entries()) {
    sizeBytes += (await target.layers.ensure(name, diffIds[index] ?? '', found.layerFiles[index] ?? '')).sizeBytes;
  }
  const tags = found.tags.map((name) => tagName(parseReference(name))).filter((tag) => tag !== undefined);
  const id = `sha256:${createHash('sha256').update(configText).digest('hex')}`;
  const record: ImageRecord = { version: 1, id, tags, digests: [], sizeBytes, layers, run };
  await target.images.put(record);
  return record;
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

function blobFile(folder: string, digest: string): string {
  return path.join(folder, 'blobs', ...digest.split(':'));
}

/** The first of these annotations that holds a whole name is the image's name. */
const nameAnnotations = ['io.containerd.image.name', 'org.opencontainers.image.ref.name'];

async function ociImages(folder: string): Promise<FoundImage[]> {
  const index = parseManifest(await readFile(path.join(folder, 'index.json'), 'utf8'));
  if (index.kind !== 'index') throw new Error('index.json of the archive is not an index');
  const found: FoundImage[] = [];
  for (const entry of index.manifests) {
    let manifest = parseManifest(await readFile(blobFile(folder, entry.digest), 'utf8'));
    while (manifest.kind === 'index')
      manifest = parseManifest(await readFile(blobFile(folder, choosePlatform(manifest.manifests).digest), 'utf8'));
    found.push({
      configFile: blobFile(folder, manifest.config.digest),
      layerFiles: manifest.layers.map((layer) => blobFile(folder, layer.digest)),
      // A bare tag such as `latest` names no image; callers then give the name.
      tags: nameAnnotations
        .map((key) => entry.annotations[key] ?? '')
        .filter((name) => /[/:]/.test(name))
        .slice(0, 1),
    });
  }
  return found;
}

async function dockerImages(folder: string): Promise<FoundImage[]> {
  const parsed: unknown = JSON.parse(await readFile(path.join(folder, 'manifest.json'), 'utf8'));
  if (!Array.isArray(parsed)) throw new Error('manifest.json of the archive is not a list');
  const inside = (name: string): string => {
    const file = path.join(folder, name);
    if (!file.startsWith(`${folder}${path.sep}`)) throw new Error(`The archive names a file outside of itself: ${name}`);
    return file;
  };
  return (parsed as { Config: string; RepoTags?: string[] | null; Layers?: string[] }[]).map((entry) => ({
    configFile: inside(entry.Config),
    layerFiles: (entry.Layers ?? []).map(inside),
    tags: entry.RepoTags ?? [],
  }));
}
