import { createSecureServer } from 'node:http2';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startTestApiServer } from '@bayplan/apiserver/testing';
import { createCertificateAuthority, issueCertificate } from '@bayplan/component-base';
import { openEmbeddedStore } from '@bayplan/store';
import type { Command, Commands, Question, Reply } from './processes.ts';

type Handlers = { [C in Command]: (...options: Parameters<Commands[C]>) => Promise<ReturnType<Commands[C]>> };

const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
const files = new Map<string, Buffer>();
let close = (): Promise<void> => Promise.resolve();

const handlers: Handlers = {
  start: ({ role }) => (role === 'server' ? startServer() : startBare()),
  async serve({ path: served, file }) {
    files.set(served, await readFile(file));
    return null;
  },
  cpu() {
    const { user, system } = process.cpuUsage();
    return Promise.resolve((user + system) / 1000);
  },
  collect() {
    for (let round = 0; round < 2; round += 1) globalThis.gc?.();
    return Promise.resolve(null);
  },
  loopDelay() {
    const result = { p99Ms: delay.percentile(99) / 1e6, maxMs: delay.max / 1e6 };
    delay.reset();
    return Promise.resolve(result);
  },
  rawWrites,
  async stop() {
    await close();
    return null;
  },
};

async function startServer(): Promise<ReturnType<Commands['start']>> {
  const server = await startTestApiServer();
  close = () => server.close();
  const pair = await issueCertificate(
    server.keys.ca,
    { commonName: 'bench', organizations: ['system:masters'], usages: ['client'] },
    Date.now(),
  );
  return { url: server.url, credentials: { caPem: server.caPem, ...pair } };
}

/** The least that node:http2 can do: the same bytes over the same TLS, and nothing else. */
async function startBare(): Promise<ReturnType<Commands['start']>> {
  const authority = await createCertificateAuthority('bench', Date.now());
  const serving = await issueCertificate(authority, { commonName: 'bare', ipAddresses: ['127.0.0.1'], usages: ['server'] }, Date.now());
  const client = await issueCertificate(authority, { commonName: 'bench', usages: ['client'] }, Date.now());
  const server = createSecureServer(
    {
      key: serving.keyPem,
      cert: serving.certPem,
      ca: authority.certPem,
      requestCert: true,
      rejectUnauthorized: false,
      settings: { initialWindowSize: 1024 * 1024 },
    },
    (request, response) => {
      const body = files.get(request.url) ?? Buffer.from('{}');
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
      response.end(body);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => {
    server.close();
    return Promise.resolve();
  };
  const { port } = server.address() as AddressInfo;
  return { url: `https://127.0.0.1:${port.toString()}`, credentials: { caPem: authority.certPem, ...client } };
}

async function rawWrites({ writers, durationMs, bytes }: Parameters<Commands['rawWrites']>[0]): Promise<number> {
  const directory = await mkdtemp(path.join(tmpdir(), 'bayplan-bench-'));
  try {
    const store = await openEmbeddedStore({ directory });
    const value = Buffer.alloc(bytes, 'pod ');
    let written = 0;
    const start = performance.now();
    const writer = async (name: number): Promise<void> => {
      for (let count = 0; performance.now() - start < durationMs; count += 1, written += 1) {
        await store.create(`/registry/core/pods/raw/${name.toString()}-${count.toString()}`, value);
      }
    };
    await Promise.all(Array.from({ length: writers }, (_, name) => writer(name)));
    const perSecond = (written * 1000) / (performance.now() - start);
    await store.close();
    return perSecond;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

process.on('message', (message) => {
  const { id, command, options } = message as Question;
  const handler = handlers[command] as (options: unknown) => Promise<unknown>;
  handler(options).then(
    (value) => process.send?.({ id, value } satisfies Reply),
    (error: unknown) =>
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) } satisfies Reply),
  );
});
