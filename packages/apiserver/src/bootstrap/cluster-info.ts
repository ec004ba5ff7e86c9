import { resources } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import type { ServerParts } from '../server-parts.ts';
import { ensure } from './ensure.ts';

const key = { namespace: 'kube-public', name: 'cluster-info' };

/**
 * Publishes where the cluster is and which authority it trusts as `kube-public/cluster-info`, which anybody may
 * read. Signatures that joining machines check it by are added by a controller. What somebody wrote there stays,
 * unless the authority is another.
 */
export async function publishClusterInfo(client: Client, parts: ServerParts, port: number): Promise<void> {
  const server = `https://${parts.settings.advertiseAddress}:${port.toString()}`;
  const authority = Buffer.from(parts.options.keys.ca.certPem, 'utf8').toString('base64');
  const lines = [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    '- name: ""',
    '  cluster:',
    `    certificate-authority-data: ${authority}`,
    `    server: ${server}`,
    'contexts: []',
    'current-context: ""',
    'users: []',
    '',
  ];
  const kubeconfig = lines.join('\n');
  const present = await ensure(client, resources.configMaps, { metadata: key, data: { kubeconfig } });
  if (present.data?.['kubeconfig']?.includes(authority)) return;
  await client.patch(resources.configMaps, key, 'merge', { data: { kubeconfig } });
}
