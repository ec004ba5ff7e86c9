import { openEtcdStore } from '../src/index.ts';
import type { EtcdStoreOptions, Store } from '../src/index.ts';
import type { EtcdServer, StoreSubject } from '../src/testing/index.ts';

let subjects = 0;

/** A store under a prefix of its own on a server that others may share. */
export async function openEtcdSubject(server: EtcdServer, options: Partial<EtcdStoreOptions> = {}): Promise<StoreSubject> {
  subjects += 1;
  const all = { endpoints: [server.endpoint], prefix: `/test/${String(process.pid)}-${String(subjects)}`, ...options };
  let store: Store = await openEtcdStore(all);
  return {
    get store() {
      return store;
    },
    async reopen() {
      await store.close();
      store = await openEtcdStore(all);
      return store;
    },
    dispose: () => store.close(),
  };
}
