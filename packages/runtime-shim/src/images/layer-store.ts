import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Host } from '../host/host.ts';
import { convertWhiteouts } from './whiteouts.ts';

/** One unpacked layer: the name of its folder and the size of what it holds. */
export interface Layer {
  readonly name: string;
  readonly diffId: string;
  readonly sizeBytes: number;
}

/**
 * Layers unpacked once each, under a name derived from the layer and all below it. A layer's folder
 * appears complete, by a rename; drafts of a crashed process are removed by `prepare`.
 */
export class LayerStore {
  readonly folder: string;
  readonly #host: Host;
  readonly #unpacking = new Map<string, Promise<Layer>>();

  constructor(folder: string, host: Host) {
    this.folder = folder;
    this.#host = host;
  }

  /** Removes drafts left by dead processes. */
  async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o711 });
    for (const name of await readdir(this.folder)) {
      const owner = /^\.draft-(\d+)-/.exec(name)?.[1];
      if (owner !== undefined && (await this.#host.processStart(Number(owner))) === undefined) {
        await rm(path.join(this.folder, name), { recursive: true, force: true });
      }
    }
  }

  /** The layer's root as a path relative to `folder`. */
  static rootOf(name: string): string {
    return `${name}/fs`;
  }

  async get(name: string): Promise<Layer | undefined> {
    try {
      return JSON.parse(await readFile(path.join(this.folder, name, 'layer.json'), 'utf8')) as Layer;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Unpacks the tar archive in `file` unless the layer exists. Fails when its content is not `diffId`. */
  ensure(name: string, diffId: string, file: string): Promise<Layer> {
    const running = this.#unpacking.get(name);
    if (running) return running;
    const work = this.#ensure(name, diffId, file).finally(() => this.#unpacking.delete(name));
    this.#unpacking.set(name, work);
    return work;
  }

  async #ensure(name: string, diffId: string, file: string): Promise<Layer> {
    const existing = await this.get(name);
    if (existing) return existing;
    const draft = path.join(this.folder, `.draft-${process.pid}-${randomBytes(4).toString('hex')}`);
    const root = path.join(draft, 'fs');
    try {
      await mkdir(root, { recursive: true });
      const unpacked = await unpack(this.#host, file, root);
      if (unpacked.diffId !== diffId) throw new Error(`A layer holds ${unpacked.diffId} instead of ${diffId}`);
      await convertWhiteouts(this.#host, root);
      const layer: Layer = { name, diffId, sizeBytes: unpacked.sizeBytes };
      await writeFile(path.join(draft, 'layer.json'), JSON.stringify(layer));
      await rename(draft, path.join(this.folder, name)).catch(async (error: unknown) => {
        // Another process may have unpacked the same layer meanwhile.
        await access(path.join(this.folder, name, 'layer.json')).catch(() => Promise.reject(error as Error));
      });
      return layer;
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }

  async names(): Promise<string[]> {
    return (await readdir(this.folder)).filter((name) => !name.startsWith('.'));
  }

  async remove(name: string): Promise<void> {
    const draft = path.join(this.folder, `.draft-${process.pid}-${randomBytes(4).toString('hex')}`);
    await rename(path.join(this.folder, name), draft);
    await rm(draft, { recursive: true, force: true });
  }
}

/** The names of layers given by their diff ids, bottom first: each depends on all below it. */
export function layerNames(diffIds: readonly string[]): string[] {
  let chain = '';
  return diffIds.map((diffId) => {
    chain = chain === '' ? diffId : `sha256:${createHash('sha256').update(`${chain} ${diffId}`).digest('hex')}`;
    // Short, because the kernel takes the names of all layers of a mount in one page.
    return chain.slice('sha256:'.length, 'sha256:'.length + 20);
  });
}

async function compressionOf(file: string): Promise<'gzip' | 'zstd' | 'none'> {
  const handle = await open(file, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer[0] === 0x1f && buffer[1] === 0x8b) return 'gzip';
    return buffer.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : 'none';
  } finally {
    await handle.close();
  }
}

async function unpack(host: Host, file: string, root: string): Promise<{ diffId: string; sizeBytes: number }> {
  const tar = await host.open(
    'tar',
    [
      '--extract',
      '--file=-',
      `--directory=${root}`,
      '--numeric-owner',
      '--same-owner',
      '--preserve-permissions',
      '--xattrs',
      '--xattrs-include=*',
    ],
    {
      streams: { stdin: true, stderr: true },
    },
  );
  if (tar.stdin === undefined || tar.stderr === undefined) throw new Error('tar was started without its streams');
  const complaint = readSome(tar.stderr);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  const compression = await compressionOf(file);
  try {
    if (compression === 'zstd') {
      const zstd = await host.open('zstd', ['--decompress', '--stdout', '--quiet', file], { streams: { stdout: true } });
      if (zstd.stdout === undefined) throw new Error('zstd was started without its output');
      await pipeline(zstd.stdout, meter, tar.stdin);
      if ((await zstd.ended) !== 0) throw new Error('A layer is not whole zstd data');
    } else if (compression === 'gzip')
      await pipeline(createReadStream(file, { highWaterMark: 262_144 }), createGunzip({ chunkSize: 131_072 }), meter, tar.stdin);
    else await pipeline(createReadStream(file, { highWaterMark: 262_144 }), meter, tar.stdin);
  } catch (error) {
    tar.kill('SIGKILL');
    throw new Error(`Cannot unpack a layer: ${await complaint}`, { cause: error });
  }
  const exitCode = await tar.ended;
  if (exitCode !== 0) throw new Error(`Cannot unpack a layer: ${await complaint}`);
  return { diffId: `sha256:${hash.digest('hex')}`, sizeBytes };
}

async function readSome(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) if (text.length < 4096) text += String(chunk);
  return text.trim();
}
