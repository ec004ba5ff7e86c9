import { isAlreadyExists } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client, Transport } from '@bayplan/client';
import { resources } from '@bayplan/api';
import type { ServerParts } from '../server-parts.ts';

/** Work that goes on while the server lives. */
export interface Maintenance {
  /** The server answers on `port` from now on. */
  published(port: number): Promise<void>;
  stop(): Promise<void>;
}

/** Writes what every cluster has from its first moment. */
export async function bootstrap(_parts: ServerParts, transport: Transport): Promise<Maintenance> {
  const client = createClient(transport);
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) await ensureNamespace(client, name);
  return { published: () => Promise.resolve(), stop: () => transport.close() };
}

async function ensureNamespace(client: Client, name: string): Promise<void> {
  try {
    await client.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
