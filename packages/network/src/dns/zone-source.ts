import { resources } from '@bayplan/api';
import type { EndpointSlice, Service } from '@bayplan/api';
import type { InformerFactory } from '@bayplan/client';
import type { ZoneSource } from './cluster-zone.ts';

const serviceNameLabel = 'kubernetes.io/service-name';
const headlessLabel = 'service.kubernetes.io/headless';

/** `namespace/name` of the Service that a slice belongs to; undefined for slices of nothing. */
export function serviceKeyOf(slice: EndpointSlice): string | undefined {
  const name = slice.metadata.labels?.[serviceNameLabel];
  return name === undefined ? undefined : `${slice.metadata.namespace ?? ''}/${name}`;
}

/** Name of the index from a Service's key to its slices; shared by proxy and DNS. */
export const byServiceIndex = 'bayplan.network/service';
const byAddressIndex = 'bayplan.network/headless-address';
const byClusterIpIndex = 'bayplan.network/cluster-ip';

/** The zone's view of a process's caches. Adds its indexes to them: call once per factory. */
export function zoneSourceOf(informers: InformerFactory): ZoneSource {
  const services = informers.informer<Service>(resources.services);
  const slices = informers.informer<EndpointSlice>(resources.endpointSlices);
  services.addIndexers({
    [byClusterIpIndex]: (service) =>
      (service.spec?.clusterIPs ?? [service.spec?.clusterIP ?? '']).filter((address) => address !== '' && address !== 'None'),
  });
  slices.addIndexers({
    [byServiceIndex]: (slice) => [serviceKeyOf(slice) ?? ''],
    // Reverse names exist for endpoints of headless Services only, which the controller labels.
    [byAddressIndex]: (slice) =>
      slice.metadata.labels?.[headlessLabel] === undefined
        ? []
        : [...new Set((slice.endpoints ?? []).flatMap((endpoint) => [...endpoint.addresses]))],
  });
  return {
    ready: () => services.hasSynced && slices.hasSynced,
    service: (namespace, name) => services.lister.get(`${namespace}/${name}`),
    slices: (namespace, name) => slices.lister.byIndex(byServiceIndex, `${namespace}/${name}`),
    hasServices: (namespace) => services.lister.list(namespace).length > 0,
    servicesAt: (clusterIp) => services.lister.byIndex(byClusterIpIndex, clusterIp),
    slicesWith: (address) => slices.lister.byIndex(byAddressIndex, address),
  };
}
