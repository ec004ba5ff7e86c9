import { isAlreadyExists, isConflict, isNotFound, resources, sameJson } from '@bayplan/api';
import type { Endpoints, EndpointSlice } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import { microTimestamp } from '@bayplan/component-base';
import type { ServerParts } from '../server-parts.ts';

const everyMs = 10_000;
const leaseSeconds = 30;
const leaseLabel = { 'apiserver.kubernetes.io/identity': 'kube-apiserver' } as const;

/**
 * Keeps the endpoints of the `kubernetes` Service true. Every server holds a Lease with its address; the
 * endpoints are the addresses of the Leases that have not run out, so that a dead server drops out.
 * Returns what takes this server out again.
 */
export async function publishAddress(client: Client, parts: ServerParts, port: number): Promise<() => Promise<void>> {
  const { clock, logger } = parts.options;
  const { advertiseAddress } = parts.settings;
  const name = `apiserver-${advertiseAddress.replace(/[^0-9a-z]/gi, '-')}-${port.toString()}`;
  const abort = new AbortController();
  const keep = async (): Promise<void> => {
    await renewLease(client, name, `${advertiseAddress}:${port.toString()}`, microTimestamp(clock.now()));
    await writeEndpoints(client, await liveAddresses(client, clock.now()));
  };
  await keep();
  const loop = (async () => {
    while (!abort.signal.aborted) {
      await clock.sleep(everyMs, abort.signal).catch(() => undefined);
      if (abort.signal.aborted) return;
      await keep().catch((error: unknown) => logger.warn('Address of the API server could not be published', { err: error }));
    }
  })();
  return async () => {
    abort.abort();
    await loop;
    await client.delete(resources.leases, { namespace: 'kube-system', name }).catch((error: unknown) => {
      if (!isNotFound(error)) logger.warn('Lease of the API server could not be removed', { err: error });
    });
  };
}

async function renewLease(client: Client, name: string, holder: string, renewTime: string): Promise<void> {
  const spec = { holderIdentity: holder, leaseDurationSeconds: leaseSeconds, renewTime };
  const key = { namespace: 'kube-system', name };
  try {
    await client.patch(resources.leases, key, 'merge', { spec });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.create(resources.leases, { metadata: { ...key, labels: { ...leaseLabel } }, spec });
  }
}

async function liveAddresses(client: Client, nowMs: number): Promise<{ address: string; port: number }[]> {
  const leases = await client.list(resources.leases, {
    namespace: 'kube-system',
    labelSelector: 'apiserver.kubernetes.io/identity=kube-apiserver',
  });
  const found = new Map<string, { address: string; port: number }>();
  for (const { spec } of leases.items) {
    const aliveUntilMs = Date.parse(spec?.renewTime ?? '') + (spec?.leaseDurationSeconds ?? 0) * 1000;
    const match = /^(.*):(\d+)$/.exec(spec?.holderIdentity ?? '');
    if (!(aliveUntilMs > nowMs) || match?.[1] === undefined) continue;
    found.set(match[1], { address: match[1], port: Number(match[2]) });
  }
  return [...found.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
}

async function writeEndpoints(client: Client, addresses: readonly { address: string; port: number }[]): Promise<void> {
  const [first] = addresses;
  if (first === undefined) return;
  const metadata = { name: 'kubernetes', namespace: 'default', labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } };
  const port = { name: 'https', port: first.port, protocol: 'TCP' as const };
  const endpoints = { metadata, subsets: [{ addresses: addresses.map(({ address }) => ({ ip: address })), ports: [port] }] };
  const slice = {
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: addresses.map(({ address }) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [port],
  };
  await put(
    () => client.get(resources.endpoints, metadata),
    (present: Endpoints) => sameJson(present.subsets, endpoints.subsets),
    () => client.create(resources.endpoints, endpoints),
    () => client.patch(resources.endpoints, metadata, 'merge', { subsets: endpoints.subsets }),
  );
  await put(
    () => client.get(resources.endpointSlices, slice.metadata),
    (present: EndpointSlice) => sameJson(present.endpoints, slice.endpoints) && sameJson(present.ports, slice.ports),
    () => client.create(resources.endpointSlices, slice as EndpointSlice & { metadata: typeof slice.metadata }),
    () => client.patch(resources.endpointSlices, slice.metadata, 'merge', { endpoints: slice.endpoints, ports: slice.ports }),
  );
}

async function put<T>(
  get: () => Promise<T>,
  isSame: (present: T) => boolean,
  create: () => Promise<unknown>,
  patch: () => Promise<unknown>,
): Promise<void> {
  try {
    if (!isSame(await get())) await patch();
  } catch (error) {
    if (!isNotFound(error)) throw error;
    try {
      await create();
    } catch (other) {
      // Another server writes the same.
      if (!isAlreadyExists(other) && !isConflict(other)) throw other;
    }
  }
}
