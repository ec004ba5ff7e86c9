import { isConflict, isExpired, reasonOf, resources } from '@bayplan/api';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createClient, createRestTransport, loadKubeconfig } from '../src/index.ts';
import type { Transport } from '../src/index.ts';

type Handler = (request: IncomingMessage, body: string, response: ServerResponse) => void;

const open: { close(): Promise<void> | void }[] = [];

async function serve(handler: Handler): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => handler(request, body, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => (server.closeAllConnections(), new Promise<void>((resolve) => server.close(() => resolve()))) });
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, server };
}

function connect(server: string | string[], options: { tokenFile?: string; token?: string } = {}): Transport {
  const transport = createRestTransport({ server, userAgent: 'test/1', ...options });
  open.push(transport);
  return transport;
}

const json = (response: ServerResponse, code: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

describe('the REST transport', () => {
  it('sends method, path, query, headers and body', async () => {
    const seen: unknown[] = [];
    const { url } = await serve((request, body, response) => {
      const { authorization, accept } = request.headers;
      seen.push([
        request.method,
        request.url,
        request.headers['content-type'],
        request.headers['user-agent'],
        authorization,
        accept,
        body && JSON.parse(body),
      ]);
      json(response, 200, { metadata: { name: 'a' } });
    });
    const client = createClient(connect(url, { token: 'secret' }));
    await client.patch(
      resources.pods,
      { namespace: 'default', name: 'a' },
      'apply',
      { x: 1 },
      { fieldManager: 'm', force: true, subresource: 'status' },
    );
    await client.list(resources.pods, { labelSelector: 'a=b,c', limit: 5, metadataOnly: true });
    expect(seen).toEqual([
      [
        'PATCH',
        '/api/v1/namespaces/default/pods/a/status?fieldManager=m&force=true',
        'application/apply-patch+yaml',
        'test/1',
        'Bearer secret',
        'application/json',
        { x: 1 },
      ],
      [
        'GET',
        '/api/v1/pods?labelSelector=a%3Db%2Cc&limit=5',
        undefined,
        'test/1',
        'Bearer secret',
        'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
        '',
      ],
    ]);
  });

  it('throws the Status that the server answers, or makes one', async () => {
    const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'lost', reason: 'Conflict', code: 409 };
    const { url } = await serve((request, _body, response) => {
      if (request.method === 'PUT') json(response, 409, status);
      else response.writeHead(503).end('upstream is away');
    });
    const client = createClient(connect(url));
    const failure = await client.update(resources.nodes, { metadata: { name: 'n' } }).catch((error: unknown) => error);
    expect(isConflict(failure)).toBe(true);
    const other = await client.get(resources.nodes, { name: 'n' }).catch((error: unknown) => error);
    expect([reasonOf(other), (other as Error).message]).toEqual(['ServiceUnavailable', 'upstream is away']);
  });

  it('tries again when the server is busy', async () => {
    let calls = 0;
    const { url } = await serve((_request, _body, response) => {
      if (calls++ === 0)
        json(response, 429, { kind: 'Status', code: 429, reason: 'TooManyRequests', message: 'busy' }, { 'retry-after': '0' });
      else json(response, 200, { metadata: { name: 'n' } });
    });
    await createClient(connect(url)).get(resources.nodes, { name: 'n' });
    expect(calls).toBe(2);
  });

  it('reads a watch line by line, however it is cut, and throws its ERROR event', async () => {
    const { url } = await serve((_request, _body, response) => {
      const lines = [
        { type: 'ADDED', object: { metadata: { name: 'ä' } } },
        { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } },
        { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } },
      ];
      const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      response.writeHead(200);
      const send = (from: number): void => {
        if (from >= bytes.length) return void response.end();
        response.write(bytes.subarray(from, from + 7), () => send(from + 7));
      };
      send(0);
    });
    const seen: unknown[] = [];
    const watch = async (): Promise<void> => {
      for await (const event of createClient(connect(url)).watch(resources.nodes)) seen.push([event.type, event.object.metadata]);
    };
    const failure = await watch().catch((error: unknown) => error);
    expect(seen).toEqual([
      ['ADDED', { name: 'ä' }],
      ['BOOKMARK', { resourceVersion: '9' }],
    ]);
    expect(isExpired(failure)).toBe(true);
  });

  it('ends a watch that is aborted', async () => {
    let closed: () => void;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    const { url } = await serve((request, _body, response) => {
      response.writeHead(200);
      response.write('{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n');
      request.socket.on('close', () => closed());
    });
    const abort = new AbortController();
    for await (const event of createClient(connect(url)).watch(resources.nodes, { signal: abort.signal })) {
      expect(event.type).toBe('ADDED');
      abort.abort();
    }
    await gone;
  });

  it('goes on to the next server when one does not answer', async () => {
    const dead = await serve(() => undefined);
    await new Promise<void>((resolve) => dead.server.close(() => resolve()));
    const { url } = await serve((_request, _body, response) => json(response, 200, { metadata: { name: 'n' } }));
    const client = createClient(connect([dead.url, url]));
    expect((await client.create(resources.nodes, { metadata: { name: 'n' } })).metadata.name).toBe('n');
    const none = createClient(connect(dead.url));
    expect(reasonOf(await none.get(resources.nodes, { name: 'n' }).catch((error: unknown) => error))).toBe('ServiceUnavailable');
  });
});

describe('loadKubeconfig', () => {
  it('reads the current context with inline data and files', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'bayplan-kubeconfig-'));
    open.push({ close: () => rm(folder, { recursive: true }) });
    await writeFile(path.join(folder, 'key.pem'), 'KEY');
    const file = path.join(folder, 'config');
    const inline = Buffer.from('CERT').toString('base64');
    await writeFile(
      file,
      `current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: 'https://h:1', insecure-skip-tls-verify: true}}]
users: [{name: u, user: {client-certificate-data: ${inline}, client-key: key.pem, tokenFile: token}}]`,
    );
    expect(await loadKubeconfig(file)).toMatchObject({
      server: 'https://h:1',
      insecureSkipTlsVerify: true,
      certPem: 'CERT',
      keyPem: 'KEY',
      tokenFile: path.join(folder, 'token'),
    });
    await expect(loadKubeconfig(file, 'other')).rejects.toThrow('There is no context "other"');
  });
});
