import type { Pod } from '@bayplan/api';
import { isIpv4 } from '../ipv4.ts';

/** A port of the node that leads to a port of a pod on it. */
export interface HostPort {
  /** One address of the node; undefined for all. */
  readonly hostIp: string | undefined;
  readonly protocol: string;
  readonly port: number;
  readonly address: string;
  readonly targetPort: number;
}

/** The host ports of a pod of this node; none once it ended, and for pods that use the node's own network. */
export function hostPortsOf(pod: Pod): HostPort[] {
  const address = pod.status?.podIP ?? '';
  const ended = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  if (pod.spec?.hostNetwork === true || ended || !isIpv4(address)) return [];
  const containers = [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always'),
  ];
  return containers.flatMap((container) =>
    (container.ports ?? []).flatMap((port) => {
      const hostIp = port.hostIP && port.hostIP !== '0.0.0.0' ? port.hostIP : undefined;
      if (!port.hostPort || (hostIp !== undefined && !isIpv4(hostIp))) return [];
      return [{ hostIp, protocol: (port.protocol ?? 'TCP').toLowerCase(), port: port.hostPort, address, targetPort: port.containerPort }];
    }),
  );
}

/** Only what `hostPortsOf` reads: the agent keeps all of its pods already. */
export function pruneForHostPorts(pod: Pod): Pod {
  const { name, namespace, uid, resourceVersion } = pod.metadata;
  const ports = (containers: NonNullable<Pod['spec']>['containers'] | undefined) =>
    (containers ?? [])
      .filter((container) => container.ports?.some((port) => port.hostPort))
      .map((container) => ({ name: container.name, ports: container.ports, restartPolicy: container.restartPolicy }));
  return {
    metadata: { name, namespace, uid, resourceVersion },
    spec: { hostNetwork: pod.spec?.hostNetwork, containers: ports(pod.spec?.containers), initContainers: ports(pod.spec?.initContainers) },
    status: { phase: pod.status?.phase, podIP: pod.status?.podIP },
  };
}
