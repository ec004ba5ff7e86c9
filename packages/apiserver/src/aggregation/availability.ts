import type { APIService, EndpointSlice, Service } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import { connectionFault } from '../webhooks/connection-fault.ts';
import type { Registry } from '../registry/registry.ts';
import type { RemoteApi } from './remote-api.ts';

export interface Availability {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export const locallyAvailable: Availability = {
  status: 'True',
  reason: 'Local',
  message: 'Local APIServices are always available',
};
const passed: Availability = { status: 'True', reason: 'Passed', message: 'all checks passed' };
const checkTimeoutMs = 5_000;

/** Whether the server behind an APIService can be reached and answers for its group and version. */
export async function availabilityOf(
  { spec }: APIService,
  remote: RemoteApi,
  registry: Registry,
  clock: Clock,
  signal: AbortSignal,
): Promise<Availability> {
  const { namespace, name, port } = remote.service;
  const no = (reason: string, message: string): Availability => ({ status: 'False', reason, message });
  const subject = `service/${name} in ${JSON.stringify(namespace)}`;
  const service = (await registry.stored('', 'v1', 'services').storage.find(namespace, name))?.object as Service | undefined;
  if (service === undefined) return no('ServiceNotFound', `${subject} is not present`);
  if (service.spec?.type !== 'ExternalName') {
    const served = (service.spec?.ports ?? []).find((one) => one.port === port);
    if (served === undefined) return no('ServicePortError', `${subject} is not listening on port ${port.toString()}`);
    const { cache } = registry.stored('discovery.k8s.io', 'v1', 'endpointslices').storage;
    await cache.fresh();
    const slices = cache
      .list({ namespace, matches: (entry) => entry.labels['kubernetes.io/service-name'] === name })
      .map((entry) => entry.stored.object as EndpointSlice);
    if (slices.length === 0) return no('EndpointsNotFound', `cannot find endpoints for ${subject}`);
    const portName = served.name ?? '';
    const ready = slices.some(
      (slice) =>
        (slice.ports ?? []).some((one) => (one.name ?? '') === portName) &&
        (slice.endpoints ?? []).some((endpoint) => endpoint.conditions?.ready !== false),
    );
    if (!ready) return no('MissingEndpoints', `endpoints for ${subject} have no addresses with port name ${JSON.stringify(portName)}`);
  }
  const path = `/apis/${spec?.group ?? ''}/${spec?.version ?? ''}`;
  const deadline = new AbortController();
  const timer = clock.after(checkTimeoutMs, () => deadline.abort(), { unref: true });
  try {
    await remote.get(path, 'application/json', AbortSignal.any([signal, deadline.signal]));
    return passed;
  } catch (error) {
    const { href } = remote.url(path);
    const said = deadline.signal.aborted ? 'context deadline exceeded' : connectionFault(error, remote.url(path));
    return no(
      'FailedDiscoveryCheck',
      `failing or missing response from ${href}: ${said.startsWith('bad status') ? said : `Get ${JSON.stringify(href)}: ${said}`}`,
    );
  } finally {
    timer.cancel();
  }
}
