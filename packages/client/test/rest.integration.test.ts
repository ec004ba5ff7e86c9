import { isForbidden, resources } from '@bayplan/api';
import { startTestApiServer } from '@bayplan/apiserver/testing';
import type { TestApiServer } from '@bayplan/apiserver/testing';
import { silentLogger, systemClock } from '@bayplan/component-base';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  createClient,
  createInformerFactory,
  createRestTransport,
  dropManagedFields,
  loadKubeconfig,
  runLeaderElection,
} from '../src/index.ts';
import type { Client, Transport } from '../src/index.ts';

let api: TestApiServer;
let folder: string;
let transport: Transport;
let client: Client;
const stop = new AbortController();

beforeAll(async () => {
  api = await startTestApiServer();
  folder = await mkdtemp(path.join(tmpdir(), 'bayplan-client-'));
  await api.writeKubeconfig(path.join(folder, 'config'));
  transport = createRestTransport(await loadKubeconfig(path.join(folder, 'config')));
  client = createClient(transport);
});

afterAll(async () => {
  stop.abort();
  await transport.close();
  await api.close();
  await rm(folder, { recursive: true });
});

async function eventually(check: () => boolean): Promise<void> {
  for (let tries = 0; !check(); tries++) {
    if (tries > 400) throw new Error(`Not in time: ${check.toString()}`);
    await systemClock.sleep(25);
  }
}

it('an informer over HTTPS follows a real server', async () => {
  const factory = createInformerFactory({ client, clock: systemClock, logger: silentLogger, transform: dropManagedFields });
  const informer = factory.informer(resources.configMaps, { namespace: 'default', labelSelector: 'app=test' });
  const metadata = { namespace: 'default', labels: { app: 'test' } };
  await client.create(resources.configMaps, { metadata: { ...metadata, name: 'before' } });
  factory.start(stop.signal);
  await factory.synced();
  expect(informer.lister.get('default/before')?.metadata.managedFields).toBeUndefined();
  await client.create(resources.configMaps, { metadata: { ...metadata, name: 'after' }, data: { key: 'ä' } });
  await client.create(resources.configMaps, { metadata: { namespace: 'default', name: 'other' } });
  await eventually(() => informer.lister.get('default/after')?.data?.['key'] === 'ä');
  await client.patch(
    resources.configMaps,
    { namespace: 'default', name: 'after' },
    'apply',
    { apiVersion: 'v1', kind: 'ConfigMap', data: { more: 'x' } },
    { fieldManager: 'test' },
  );
  await eventually(() => informer.lister.get('default/after')?.data?.['more'] === 'x');
  // Leaving the selector is a deletion for those who select.
  await client.patch(resources.configMaps, { namespace: 'default', name: 'after' }, 'merge', { metadata: { labels: { app: null } } });
  await client.delete(resources.configMaps, { namespace: 'default', name: 'before' });
  await eventually(() => informer.lister.size === 0);
});

it('what the server refuses is a StatusError', async () => {
  await api.writeKubeconfig(path.join(folder, 'nobody'), { name: 'nobody' });
  const other = createRestTransport(await loadKubeconfig(path.join(folder, 'nobody')));
  const failure = await createClient(other)
    .list(resources.secrets)
    .catch((error: unknown) => error);
  expect(isForbidden(failure)).toBe(true);
  await other.close();
});

it('a lease is taken, and given back at the end', async () => {
  const term = new AbortController();
  let leading = false;
  const lead = (signal: AbortSignal): Promise<void> => {
    leading = true;
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  };
  const key = { namespace: 'kube-system', name: 'election' };
  const stopped = runLeaderElection({
    client,
    clock: systemClock,
    logger: silentLogger,
    ...key,
    identity: 'me',
    lead,
    signal: term.signal,
  });
  await eventually(() => leading);
  expect((await client.get(resources.leases, key)).spec).toMatchObject({ holderIdentity: 'me', leaseDurationSeconds: 15 });
  term.abort();
  await stopped;
  expect((await client.get(resources.leases, key)).spec?.holderIdentity ?? '').toBe('');
});
