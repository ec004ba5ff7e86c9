import { resources } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import { frontProxyName } from '../aggregation/remote-identity.ts';
import type { ClusterKeys } from '../keys/cluster-keys.ts';
import { ensure } from './ensure.ts';

const name = 'extension-apiserver-authentication';
const namespace = 'kube-system';

/** Tells extension API servers whom to trust: this cluster's clients, and requests that this server hands on. */
export async function publishFrontProxy(client: Client, keys: ClusterKeys): Promise<void> {
  const data = {
    'client-ca-file': keys.ca.certPem,
    'requestheader-allowed-names': JSON.stringify([frontProxyName]),
    'requestheader-client-ca-file': keys.frontProxyCa.certPem,
    'requestheader-extra-headers-prefix': JSON.stringify(['X-Remote-Extra-']),
    'requestheader-group-headers': JSON.stringify(['X-Remote-Group']),
    'requestheader-uid-headers': JSON.stringify(['X-Remote-Uid']),
    'requestheader-username-headers': JSON.stringify(['X-Remote-User']),
  };
  const found = await ensure(client, resources.configMaps, { metadata: { name, namespace }, data });
  const missing = Object.entries(data).some(([key, value]) => found.data?.[key] !== value);
  if (missing) await client.patch(resources.configMaps, { namespace, name }, 'merge', { data });
}
