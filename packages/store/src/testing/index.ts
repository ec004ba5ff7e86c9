import { readAndWriteCases } from './conformance.ts';
import type { ConformanceCase } from './conformance.ts';
import { watchCases } from './watch-cases.ts';

export { openMemoryStore } from '../memory/memory-store.ts';
export type { ConformanceCase } from './conformance.ts';
export { etcdMissing, startEtcd } from './etcd-server.ts';
export type { EtcdServer } from './etcd-server.ts';
export { collectWatch } from './subject.ts';
export type { CollectedWatch, OpenSubject, StoreSubject } from './subject.ts';

/** What every store must do. A backend is finished when all of these pass. */
export const conformanceCases: readonly ConformanceCase[] = [...readAndWriteCases, ...watchCases];
