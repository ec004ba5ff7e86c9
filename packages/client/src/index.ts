export type { CallOptions, Client, DeleteOptions, ListOptions, ObjectKey, PatchType, WatchOptions } from './client.ts';
export type { EventRecorder, EventRecorderOptions, EventSubject } from './event-recorder.ts';
export type { InformerFactory, InformerFactoryOptions, InformerScope } from './informer-factory.ts';
export type { IndexFunction, Informer, InformerHandlers, InformerOptions, Lister } from './informer.ts';
export type { LeaderElectorOptions } from './leader-election.ts';
export type { Reconcile, ReconcilerOptions, ReconcileResult } from './reconciler.ts';
export type { RestTransportOptions } from './rest-transport.ts';
export type { ApiCall, RawWatchEvent, Transport } from './transport.ts';
export type { WorkQueue, WorkQueueOptions } from './work-queue.ts';
