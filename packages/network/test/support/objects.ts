import type { EndpointSlice, Service, ServiceSpec } from '@bayplan/api';

export function service(name: string, spec: Partial<ServiceSpec>, namespace = 'default'): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { type: 'ClusterIP', ...(spec.clusterIP && !spec.clusterIPs ? { clusterIPs: [spec.clusterIP] } : {}), ...spec },
  };
}

export interface TestEndpoint {
  readonly address: string;
  readonly node?: string;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  readonly hostname?: string;
}

export function slice(
  serviceName: string,
  ports: readonly { name?: string; port: number; protocol?: string }[],
  endpoints: readonly TestEndpoint[],
  options: { namespace?: string; headless?: boolean; suffix?: string } = {},
): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${serviceName}-${options.suffix ?? 'abcde'}`,
      namespace: options.namespace ?? 'default',
      labels: { 'kubernetes.io/service-name': serviceName, ...(options.headless ? { 'service.kubernetes.io/headless': '' } : {}) },
    },
    addressType: 'IPv4',
    ports: ports.map(({ name, port, protocol }) => ({ name: name ?? '', port, protocol: protocol ?? 'TCP' })),
    endpoints: endpoints.map((endpoint) => ({
      addresses: [endpoint.address],
      conditions: {
        ready: endpoint.ready ?? true,
        ...(endpoint.serving === undefined ? {} : { serving: endpoint.serving }),
        ...(endpoint.terminating === undefined ? {} : { terminating: endpoint.terminating }),
      },
      ...(endpoint.node === undefined ? {} : { nodeName: endpoint.node }),
      ...(endpoint.hostname === undefined ? {} : { hostname: endpoint.hostname }),
    })),
  };
}
