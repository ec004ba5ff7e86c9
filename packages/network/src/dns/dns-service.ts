import { isAlreadyExists, resources } from '@bayplan/api';
import type { Service } from '@bayplan/api';
import type { Client } from '@bayplan/client';

/** The Service under which pods and tools look for cluster DNS. It has no selector: every node answers at its address itself. */
export function dnsService(dnsAddress: string): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'kube-dns',
      namespace: 'kube-system',
      labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP: dnsAddress,
      clusterIPs: [dnsAddress],
      ports: [
        { name: 'dns', protocol: 'UDP', port: 53, targetPort: 53 },
        { name: 'dns-tcp', protocol: 'TCP', port: 53, targetPort: 53 },
      ],
    },
  };
}

/**
 * Creates `kube-system/kube-dns` unless it exists. For whoever bootstraps the cluster: a node may not
 * create Services. Rejects with the API's error for anything but "already exists".
 */
export async function publishDnsService(options: {
  readonly client: Client;
  readonly dnsAddress: string;
  readonly signal?: AbortSignal;
}): Promise<void> {
  try {
    await options.client.create(resources.services, dnsService(options.dnsAddress), options.signal ? { signal: options.signal } : {});
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
