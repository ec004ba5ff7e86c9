import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseReference } from '../src/images/reference.ts';
import { RegistryClient } from '../src/images/registry-client.ts';

let folder: string;
let server: http.Server | undefined;
let requests: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bayplan-registry-'));
  requests = [];
});
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  await rm(folder, { recursive: true, force: true });
});

async function serve(handle: (req: IncomingMessage, res: ServerResponse, port: number) => void): Promise<string> {
  const created = http.createServer((req, res) => {
    requests.push(`${req.url ?? ''} ${req.headers.authorization ?? '-'}`);
    handle(req, res, (created.address() as AddressInfo).port);
  });
  server = created;
  await new Promise<void>((resolve) => created.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(created.address() as AddressInfo).port}`;
}

const digestOf = (content: string | Buffer) => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const descriptor = (content: string) => ({ mediaType: '', digest: digestOf(content), size: content.length, annotations: {} });

describe('RegistryClient', () => {
  it('gets a token with the credentials when challenged, once', async () => {
    const host = await serve((req, res, port) => {
      if (req.url?.startsWith('/token')) res.end(JSON.stringify({ token: 'secret' }));
      else if (req.headers.authorization !== 'Bearer secret') {
        res
          .writeHead(401, { 'www-authenticate': `Bearer realm="http://127.0.0.1:${port}/token",service="reg",scope="repository:a/b:pull"` })
          .end();
      } else res.end('{"config":{}}');
    });
    const credentials = { username: 'me', password: 'pw', registryToken: '', identityToken: '' };
    const client = new RegistryClient(parseReference(`${host}/a/b:1`), { credentials });
    expect((await client.manifest('1')).digest).toBe(digestOf('{"config":{}}'));
    await client.manifest('2');
    const basic = `Basic ${Buffer.from('me:pw').toString('base64')}`;
    expect(requests).toEqual([
      '/v2/a/b/manifests/1 -',
      `/token?scope=repository%3Aa%2Fb%3Apull&service=reg ${basic}`,
      '/v2/a/b/manifests/1 Bearer secret',
      '/v2/a/b/manifests/2 Bearer secret',
    ]);
  });

  it('says when credentials are missing or refused, and when nothing is there', async () => {
    const host = await serve((req, res) => {
      if (req.url?.includes('closed')) res.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      else res.writeHead(404).end();
    });
    await expect(new RegistryClient(parseReference(`${host}/closed`), {}).manifest('latest')).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
    });
    await expect(new RegistryClient(parseReference(`${host}/none`), {}).manifest('latest')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(new RegistryClient(parseReference('127.0.0.1:1/x'), {}).manifest('latest')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('continues a download where it was cut', async () => {
    const content = 'x'.repeat(1000) + 'y'.repeat(1000);
    const host = await serve((req, res) => {
      const from = Number(/bytes=(\d+)-/.exec(req.headers.range ?? '')?.[1] ?? -1);
      if (from >= 0) res.writeHead(206).end(content.slice(from));
      else {
        res.writeHead(200, { 'content-length': String(content.length) });
        res.write(content.slice(0, 1000), () => setTimeout(() => res.destroy(), 100));
      }
    });
    const file = path.join(folder, 'blob');
    let bytes = 0;
    await new RegistryClient(parseReference(`${host}/a`), {}).blob(descriptor(content), file, (count) => (bytes += count));
    expect(await readFile(file, 'utf8')).toBe(content);
    expect([requests.length, bytes]).toEqual([2, 2000]);
  });

  it('refuses content that its digest does not name, and forgets it', async () => {
    const host = await serve((_req, res) => res.end('forged'));
    const client = new RegistryClient(parseReference(`${host}/a`), {});
    const file = path.join(folder, 'blob');
    await writeFile(`${file}.part`, '');
    await expect(client.blob(descriptor('proper'), file, () => undefined)).rejects.toThrow('The registry sent');
    await expect(client.blob({ ...descriptor('forg'), digest: digestOf('forged') }, file, () => undefined)).rejects.toThrow(
      'longer than announced',
    );
    await expect(client.manifest(digestOf('proper'))).rejects.toThrow('The registry sent');
  });

  it('keeps credentials from the storage that the registry redirects to', async () => {
    const storage = http.createServer((req, res) => res.end(req.headers.authorization ?? 'none'));
    await new Promise<void>((resolve) => storage.listen(0, '127.0.0.1', resolve));
    const host = await serve((_req, res) => {
      res.writeHead(307, { location: `http://127.0.0.1:${(storage.address() as AddressInfo).port}/x` }).end();
    });
    const credentials = { username: '', password: '', registryToken: 'token', identityToken: '' };
    expect((await new RegistryClient(parseReference(`${host}/a`), { credentials }).manifest('1')).text).toBe('none');
    expect(requests).toEqual(['/v2/a/manifests/1 Bearer token']);
    storage.closeAllConnections();
    storage.close();
  });
});
