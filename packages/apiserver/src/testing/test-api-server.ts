import type { Transport } from '@bayplan/client';
import { createMetricsRegistry, issueCertificate, silentLogger, systemClock } from '@bayplan/component-base';
import type { Clock, Logger } from '@bayplan/component-base';
import { openEmbeddedStore } from '@bayplan/store';
import type { Store } from '@bayplan/store';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ApiServer, ApiServerOptions, Identity } from '../api-server.ts';
import { createApiServer } from '../create-api-server.ts';
import type { ClusterKeys } from '../keys/cluster-keys.ts';
import { loadOrCreateClusterKeys } from '../keys/load-cluster-keys.ts';

export interface TestApiServerOptions extends Partial<Omit<ApiServerOptions, 'keys' | 'clock' | 'logger'>> {
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** False: only loopbacks, no port is opened. Default true. */
  readonly listen?: boolean;
}

export interface TestApiServer {
  readonly server: ApiServer;
  /** Empty when it does not listen. */
  readonly url: string;
  readonly caPem: string;
  readonly keys: ClusterKeys;
  readonly store: Store;
  /** As a member of system:masters. */
  readonly admin: Transport;
  as(identity: Identity): Transport;
  /** Writes a kubeconfig of an administrator, or of `identity`, to `file`. */
  writeKubeconfig(file: string, identity?: Identity): Promise<void>;
  /** Stops everything and removes the store's folder. */
  close(): Promise<void>;
}

/** A whole API server on an embedded store in a temporary folder, on 127.0.0.1 and a free port. */
export async function startTestApiServer(options: TestApiServerOptions = {}): Promise<TestApiServer> {
  const { clock = systemClock, logger = silentLogger } = options;
  const directory = await mkdtemp(path.join(tmpdir(), 'bayplan-apiserver-'));
  const store = options.store ?? (await openEmbeddedStore({ directory, clock }));
  const keys = await loadOrCreateClusterKeys(store, 'test', clock);
  const metrics = options.metrics ?? createMetricsRegistry({ processMetrics: false });
  const server = await createApiServer({
    bindAddress: '127.0.0.1',
    port: 0,
    advertiseAddress: '127.0.0.1',
    // No controller is there to take the taint away again.
    admission: { disabledPlugins: ['TaintNodesByCondition'] },
    metrics,
    ...options,
    store,
    keys,
    clock,
    logger,
  });
  const url = options.listen === false ? '' : `https://127.0.0.1:${(await server.listen()).port.toString()}`;
  return {
    server,
    url,
    caPem: server.caPem,
    keys,
    store,
    admin: server.loopback({ name: 'kubernetes-admin', groups: ['system:masters'] }),
    as: (identity) => server.loopback(identity),
    async writeKubeconfig(file, identity = { name: 'kubernetes-admin', groups: ['system:masters'] }) {
      const request = { commonName: identity.name, organizations: identity.groups ?? [], usages: ['client'] as const };
      const pair = await issueCertificate(keys.ca, request, clock.now());
      await writeFile(file, kubeconfig(url, server.caPem, pair.certPem, pair.keyPem), { mode: 0o600 });
    },
    async close() {
      await server.close();
      if (options.store === undefined) await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function kubeconfig(server: string, caPem: string, certPem: string, keyPem: string): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': base64(caPem) } }],
    users: [{ name: 'test', user: { 'client-certificate-data': base64(certPem), 'client-key-data': base64(keyPem) } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  });
}
