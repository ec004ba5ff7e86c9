import { resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { createMetricsRegistry, issueCertificate, silentLogger, systemClock } from '@bayplan/component-base';
import { openEmbeddedStore } from '@bayplan/store';
import type { Store } from '@bayplan/store';
import { CoreV1Api, KubeConfig, makeInformer } from '@kubernetes/client-node';
import type { V1ConfigMap } from '@kubernetes/client-node';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiServer } from '../src/api-server.ts';
import { createApiServer } from '../src/create-api-server.ts';
import type { ClusterKeys } from '../src/keys/cluster-keys.ts';
import { loadOrCreateClusterKeys } from '../src/keys/load-cluster-keys.ts';
import { startTestApiServer } from '../src/testing/index.ts';

const run = promisify(execFile);
const deadlineMs = 60_000;

async function eventually(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`not within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('@kubernetes/client-node', () => {
  let folder: string;
  let store: Store;
  let keys: ClusterKeys;
  let server: ApiServer;
  let port = 0;

  async function start(): Promise<void> {
    server = await createApiServer({
      store,
      keys,
      clock: systemClock,
      logger: silentLogger,
      metrics: createMetricsRegistry({ processMetrics: false }),
      advertiseAddress: '127.0.0.1',
      bindAddress: '127.0.0.1',
      port,
    });
    port = (await server.listen()).port;
  }

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bayplan-informers-'));
    store = await openEmbeddedStore({ directory: folder });
    keys = await loadOrCreateClusterKeys(store, 'test', systemClock);
    await start();
  });
  afterAll(async () => {
    await server.close();
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  const write = (name: string, data: Record<string, string>) =>
    createClient(server.loopback({ name: 'admin', groups: ['system:masters'] })).create(resources.configMaps, {
      metadata: { name, namespace: 'default' },
      data,
    });

  it('keeps an informer true over restarts of the server and compactions of its history', async () => {
    const pair = await issueCertificate(
      keys.ca,
      { commonName: 'admin', organizations: ['system:masters'], usages: ['client'] },
      systemClock.now(),
    );
    const config = new KubeConfig();
    config.loadFromString(kubeconfig(`https://127.0.0.1:${port.toString()}`, server.caPem, pair));
    const core = config.makeApiClient(CoreV1Api);
    const informer = makeInformer(config, '/api/v1/namespaces/default/configmaps', () =>
      core.listNamespacedConfigMap({ namespace: 'default' }),
    );
    const seen = new Map<string, number>();
    const gone = new Set<string>();
    let stopped = false;
    const note = (object: V1ConfigMap): void => void seen.set(object.metadata?.name ?? '', Number(object.metadata?.resourceVersion));
    informer.on('add', note);
    informer.on('update', note);
    informer.on('delete', (object) => gone.add(object.metadata?.name ?? ''));
    // As the client's documentation says: whoever uses an informer starts it again after an error.
    informer.on('error', () => void (stopped ? 0 : setTimeout(() => void informer.start().catch(() => undefined), 100)));
    await informer.start();
    try {
      for (let round = 0; round < 3; round++) {
        await write(`before-${round.toString()}`, {});
        await eventually('an event before the restart', () => seen.has(`before-${round.toString()}`));
        await server.close();
        // What happens while the client is away; in the second round its history is forgotten too.
        await store.create(`/registry/core/configmaps/default/away-${round.toString()}`, stored(`away-${round.toString()}`));
        if (round > 0) await store.compact(await store.currentRevision());
        await start();
        await write(`after-${round.toString()}`, {});
        for (const name of [`away-${round.toString()}`, `after-${round.toString()}`])
          await eventually(`${name} after the restart`, () => seen.has(name));
      }
      await createClient(server.loopback({ name: 'admin', groups: ['system:masters'] })).delete(resources.configMaps, {
        namespace: 'default',
        name: 'before-0',
      });
      await eventually('a deletion', () => gone.has('before-0'));
      const listed = await core.listNamespacedConfigMap({ namespace: 'default' });
      const names = (objects: readonly V1ConfigMap[]): string[] => objects.map((one) => one.metadata?.name ?? '').sort();
      expect(names([...informer.list()])).toEqual(names(listed.items));
    } finally {
      stopped = true;
      await informer.stop();
    }
  });

  it('and any client that reads too slowly is cut, and goes on where it was without a gap', async () => {
    const pair = await issueCertificate(
      keys.ca,
      { commonName: 'admin', organizations: ['system:masters'], usages: ['client'] },
      systemClock.now(),
    );
    const open = (after: string): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        const url = `https://127.0.0.1:${port.toString()}/api/v1/namespaces/default/configmaps?watch=1&resourceVersion=${after}`;
        get(url, { ca: server.caPem, cert: pair.certPem, key: pair.keyPem }, resolve).on('error', reject);
      });
    const first = (await write('slow', {})).metadata?.resourceVersion ?? '';
    const response = await open(first);
    response.pause();
    const count = 14_000;
    const revisions: number[] = [];
    for (let at = 0; at < count; at += 1000) {
      const writes = Array.from({ length: 1000 }, (_, index) => {
        const name = `many-${(at + index).toString().padStart(6, '0')}`;
        return store.create(`/registry/core/configmaps/default/${name}`, stored(name));
      });
      revisions.push(...(await Promise.all(writes)));
    }
    revisions.sort((left, right) => left - right);
    const seen: number[] = [];
    let resumes = 0;
    let current = response;
    for (;;) {
      let text = '';
      // A stream that was cut may end in the middle of an event.
      for await (const chunk of current) {
        text += String(chunk);
        const lines = text.split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) seen.push(Number(/"resourceVersion":"(\d+)"/.exec(line)?.[1]));
        if (seen.length >= count) break;
      }
      if (seen.length >= count) break;
      resumes++;
      current = await open(String(seen.at(-1) ?? first));
    }
    current.destroy();
    expect(resumes).toBeGreaterThan(0);
    expect(seen).toEqual(revisions);
  });
});

describe("Python's client of Kubernetes 1.22", () => {
  it('does everything that 1.36 still has', async () => {
    const api = await startTestApiServer();
    const folder = await mkdtemp(path.join(tmpdir(), 'bayplan-python-'));
    try {
      const file = path.join(folder, 'kubeconfig');
      await api.writeKubeconfig(file);
      const { stdout } = await run('/usr/bin/python3', [path.join(import.meta.dirname, 'python-client.py'), file]);
      expect(stdout.trim().split('\n').at(-1)).toBe('deletions');
    } finally {
      await api.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

function stored(name: string): Buffer {
  const data = { text: 'x'.repeat(2000) };
  return Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', uid: name }, data }));
}

function kubeconfig(url: string, caPem: string, pair: { readonly certPem: string; readonly keyPem: string }): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const user = { 'client-certificate-data': base64(pair.certPem), 'client-key-data': base64(pair.keyPem) };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority-data': base64(caPem) } }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  });
}
