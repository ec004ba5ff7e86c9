import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RpcError } from '@bayplan/rpc';
import type { Dispatcher } from 'undici';
import { RegistryAuth } from './registry-auth.ts';
import type { RegistryCredentials } from './registry-auth.ts';
import type { Descriptor } from './image-config.ts';
import type { ImageReference } from './reference.ts';

export interface RegistryOptions {
  readonly credentials?: RegistryCredentials | undefined;
  /** Registries (`host` or `host:port`) spoken to without TLS, besides those on loopback. */
  readonly insecureRegistries?: readonly string[];
  readonly signal?: AbortSignal;
}

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const maxDocumentBytes = 8 * 1024 * 1024;
const maxRedirects = 5;
const attempts = 3;
/** Without a byte for this long, a transfer is given up and tried again from where it was. */
const stallMs = 60_000;

/** Reads one repository of a registry by the OCI distribution protocol. */
export class RegistryClient {
  readonly #base: string;
  readonly #repository: string;
  readonly #auth: RegistryAuth;
  readonly #signal: AbortSignal | undefined;

  constructor(reference: ImageReference, options: RegistryOptions) {
    const host = reference.registry === 'docker.io' ? 'registry-1.docker.io' : reference.registry;
    const plain = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host) || (options.insecureRegistries ?? []).includes(host);
    this.#base = `${plain ? 'http' : 'https'}://${host}/v2/${reference.repository}`;
    this.#repository = reference.repository;
    this.#auth = new RegistryAuth(options.credentials);
    this.#signal = options.signal;
  }

  /** A manifest or index by tag or digest, with its digest. */
  async manifest(tagOrDigest: string): Promise<{ text: string; digest: string }> {
    return this.#document(`manifests/${tagOrDigest}`, tagOrDigest.startsWith('sha256:') ? tagOrDigest : undefined, {
      accept: manifestTypes,
    });
  }

  /** The text of an image's configuration. */
  async config(digest: string): Promise<string> {
    return (await this.#document(`blobs/${digest}`, digest, {})).text;
  }

  /** A short document; content that is not what the digest names is refused. */
  async #document(where: string, expected: string | undefined, headers: Record<string, string>): Promise<{ text: string; digest: string }> {
    const response = await this.#get(`${this.#base}/${where}`, headers);
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response.body) {
      size += (chunk as Buffer).length;
      if (size > maxDocumentBytes) throw new RpcError('UNKNOWN', `The registry sent too much for ${where}`);
      chunks.push(chunk as Buffer);
    }
    const content = Buffer.concat(chunks);
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    if (expected !== undefined && digest !== expected) throw new RpcError('UNKNOWN', `The registry sent ${digest} for ${expected}`);
    return { text: content.toString(), digest };
  }

  /** Loads a blob into a file; an earlier part of it (`FILE.part`) is continued. Resolves once the digest was checked. */
  async blob(descriptor: Descriptor, file: string, onBytes: (count: number) => void): Promise<void> {
    const part = `${file}.part`;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#blobOnce(descriptor, part, onBytes);
        await rename(part, file);
        return;
      } catch (error) {
        this.#signal?.throwIfAborted();
        if (attempt >= attempts || (error instanceof RpcError && error.code !== 'UNAVAILABLE')) throw error;
      }
    }
  }

  async #blobOnce(descriptor: Descriptor, part: string, onBytes: (count: number) => void): Promise<void> {
    const hash = createHash('sha256');
    let have = await stat(part).then(
      (stats) => stats.size,
      () => 0,
    );
    const response = await this.#get(`${this.#base}/blobs/${descriptor.digest}`, have > 0 ? { range: `bytes=${have}-` } : {});
    if (have > 0 && response.statusCode === 206) {
      for await (const chunk of createReadStream(part)) hash.update(chunk as Buffer);
    } else have = 0;
    const limit = descriptor.size;
    let size = have;
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        size += chunk.length;
        hash.update(chunk);
        onBytes(chunk.length);
        done(limit > 0 && size > limit ? new RpcError('UNKNOWN', `The blob ${descriptor.digest} is longer than announced`) : null, chunk);
      },
    });
    await pipeline(response.body, meter, createWriteStream(part, { flags: have > 0 ? 'a' : 'w', mode: 0o600 }));
    const digest = `sha256:${hash.digest('hex')}`;
    if (digest !== descriptor.digest) {
      await rm(part, { force: true });
      throw new RpcError('UNKNOWN', `The registry sent ${digest} for ${descriptor.digest}`);
    }
  }

  async #get(url: string, headers: Record<string, string>): Promise<Dispatcher.ResponseData> {
    const first = await this.#request(url, headers, this.#auth.header);
    if (first.statusCode !== 401) return checked(first, url);
    await first.body.dump();
    const challenge = String(first.headers['www-authenticate'] ?? '');
    await this.#auth.answer(challenge, this.#repository, this.#signal);
    return checked(await this.#request(url, headers, this.#auth.header), url);
  }

  /** Follows redirects itself: credentials belong to the registry, not to the storage it points at. */
  async #request(url: string, headers: Record<string, string>, authorization: string | undefined): Promise<Dispatcher.ResponseData> {
    // Loaded on the first pull: nodes that only run local images never pay for it.
    const { request } = await import('undici');
    let target = new URL(url);
    for (let redirects = 0; ; redirects += 1) {
      const withAuth = authorization !== undefined && target.origin === new URL(url).origin ? { ...headers, authorization } : headers;
      const response = await request(target, {
        headers: withAuth,
        headersTimeout: stallMs,
        bodyTimeout: stallMs,
        ...(this.#signal ? { signal: this.#signal } : {}),
      }).catch((cause: unknown) => {
        throw new RpcError('UNAVAILABLE', `Cannot reach ${target.host}: ${cause instanceof Error ? cause.message : String(cause)}`, {
          cause,
        });
      });
      const location = response.headers['location'];
      if (response.statusCode < 300 || response.statusCode >= 400 || typeof location !== 'string') return response;
      await response.body.dump();
      if (redirects >= maxRedirects) throw new RpcError('UNKNOWN', `Too many redirects from ${url}`);
      target = new URL(location, target);
    }
  }
}

async function checked(response: Dispatcher.ResponseData, url: string): Promise<Dispatcher.ResponseData> {
  const { statusCode } = response;
  if (statusCode === 200 || statusCode === 206) return response;
  await response.body.dump();
  if (statusCode === 404) throw new RpcError('NOT_FOUND', `The registry has no ${url}`);
  if (statusCode === 401 || statusCode === 403) throw new RpcError('PERMISSION_DENIED', `The registry does not permit reading ${url}`);
  throw new RpcError(statusCode >= 500 || statusCode === 429 ? 'UNAVAILABLE' : 'UNKNOWN', `The registry answered ${statusCode} for ${url}`);
}
