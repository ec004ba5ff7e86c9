import type { Store } from '../store.ts';
import type { EtcdStoreOptions } from './etcd-client.ts';

/**
 * Connects to an etcd cluster. Rejects with `unreachable` or `timeout` when no member answers, and
 * with `invalid` when etcd refuses the caller. The client library is loaded on first use: a server
 * on the embedded store need not pay for it.
 */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<Store> {
  const { connectEtcdStore } = await import('./etcd-store.ts');
  return await connectEtcdStore(options);
}
