import { isNotFound, resources } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import type { Settings } from '../settings.ts';
import { ensure } from './ensure.ts';

/** Namespaces, priority classes, and the Service that pods reach the API by. */
export async function ensureObjects(client: Client, settings: Settings): Promise<void> {
  await ensureDefaultClass(client);
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease'])
    await ensure(client, resources.namespaces, { metadata: { name } });
  await ensure(client, resources.priorityClasses, {
    metadata: { name: 'system-cluster-critical' },
    value: 2_000_000_000,
    description: 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  });
  await ensure(client, resources.priorityClasses, {
    metadata: { name: 'system-node-critical' },
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  });
  await ensure(client, resources.serviceCIDRs, { metadata: { name: 'kubernetes' }, spec: { cidrs: [settings.serviceCidr] } });
  await ensure(client, resources.services, {
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      clusterIP: settings.apiServiceAddress,
      clusterIPs: [settings.apiServiceAddress],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'None',
      type: 'ClusterIP',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
    },
  });
}

/** Only in a new cluster: an administrator may have removed it. */
async function ensureDefaultClass(client: Client): Promise<void> {
  try {
    await client.get(resources.namespaces, { name: 'default' });
    return;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  await ensure(client, resources.storageClasses, {
    metadata: { name: 'local-path', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'bayplan.io/local-path',
    reclaimPolicy: 'Delete',
    allowVolumeExpansion: true,
    volumeBindingMode: 'WaitForFirstConsumer',
  });
}
