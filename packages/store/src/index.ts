export { openEmbeddedStore } from './embedded/embedded-store.ts';
export type { EmbeddedStoreOptions } from './embedded/embedded-store.ts';
export type { EtcdStoreOptions } from './etcd/etcd-client.ts';
export { openEtcdStore } from './etcd/open-etcd-store.ts';
export { firstRevision, maxKeyBytes, maxWriteBytes } from './limits.ts';
export { decodeSnapshot, encodeSnapshot, raiseRevision, restoreSnapshot, takeSnapshot } from './snapshot.ts';
export type { Snapshot } from './snapshot.ts';
export type {
  GetResult,
  ListOptions,
  ListResult,
  Revision,
  Store,
  StoredItem,
  StoreEvent,
  StoreStatus,
  WatchBatch,
  WatchOptions,
} from './store.ts';
export { isStoreError, StoreError } from './store-error.ts';
export type { StoreErrorReason } from './store-error.ts';
