import type { KubeList, KubeObject, ResourceRef, WatchEvent } from '@bayplan/api';
import { apiVersionOf, pathOf } from '@bayplan/api';
import type { CallOptions, Client, DeleteOptions, ListOptions, PatchType, WatchOptions } from './client.ts';
import type { ApiCall, Transport } from './transport.ts';

const patchContentTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

const metadataListMediaType = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
const metadataMediaType = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

type Query = Record<string, string>;

function writeQuery(options: CallOptions): Query {
  const query: Query = {};
  if (options.dryRun) query['dryRun'] = 'All';
  if (options.fieldManager !== undefined) query['fieldManager'] = options.fieldManager;
  return query;
}

function listQuery(options: WatchOptions): Query {
  const query: Query = {};
  if (options.labelSelector) query['labelSelector'] = options.labelSelector;
  if (options.fieldSelector) query['fieldSelector'] = options.fieldSelector;
  if (options.limit !== undefined) query['limit'] = String(options.limit);
  if (options.continue) query['continue'] = options.continue;
  if (options.resourceVersion !== undefined && options.resourceVersion !== '') query['resourceVersion'] = options.resourceVersion;
  if (options.resourceVersionMatch !== undefined) query['resourceVersionMatch'] = options.resourceVersionMatch;
  if (options.allowWatchBookmarks) query['allowWatchBookmarks'] = 'true';
  if (options.sendInitialEvents !== undefined) query['sendInitialEvents'] = String(options.sendInitialEvents);
  if (options.timeoutSeconds !== undefined) query['timeoutSeconds'] = String(options.timeoutSeconds);
  return query;
}

/** Leaves `signal` out when there is none, as exact optional properties want it. */
function withSignal(call: ApiCall, signal: AbortSignal | undefined): ApiCall {
  return signal === undefined ? call : { ...call, signal };
}

function typed<T extends KubeObject>(ref: ResourceRef<T>, object: T): T {
  return object.kind !== undefined && object.apiVersion !== undefined
    ? object
    : { apiVersion: apiVersionOf(ref), kind: ref.kind, ...object };
}

/** A client of every resource over one transport; it is as cheap as an object and keeps no state. */
export function createClient(transport: Transport): Client {
  return {
    async get<T extends KubeObject>(ref: ResourceRef<T>, key: { namespace?: string | undefined; name: string }, options: CallOptions = {}) {
      const path = pathOf(ref, { ...key, subresource: options.subresource });
      const call: ApiCall = { method: 'GET', path, ...(options.query ? { query: { ...options.query } } : {}) };
      return (await transport.call(withSignal(call, options.signal))) as T;
    },
    async list<T extends KubeObject>(ref: ResourceRef<T>, options: ListOptions = {}) {
      const call: ApiCall = {
        method: 'GET',
        path: pathOf(ref, { namespace: options.namespace }),
        query: listQuery(options),
        ...(options.metadataOnly ? { accept: metadataListMediaType } : {}),
      };
      return (await transport.call(withSignal(call, options.signal))) as KubeList<T>;
    },
    watch<T extends KubeObject>(ref: ResourceRef<T>, options: WatchOptions = {}) {
      const call: ApiCall = {
        method: 'GET',
        path: pathOf(ref, { namespace: options.namespace }),
        query: listQuery(options),
        ...(options.metadataOnly ? { accept: metadataMediaType } : {}),
      };
      return transport.watch(withSignal(call, options.signal)) as AsyncIterable<WatchEvent<T>>;
    },
    async create<T extends KubeObject>(ref: ResourceRef<T>, object: T, options: CallOptions = {}) {
      const path = pathOf(ref, { namespace: object.metadata.namespace });
      const call: ApiCall = { method: 'POST', path, query: writeQuery(options), body: typed(ref, object) };
      return (await transport.call(withSignal(call, options.signal))) as T;
    },
    async createSubresource<T>(
      ref: ResourceRef,
      key: { namespace?: string | undefined; name: string },
      subresource: string,
      body: T,
      options: CallOptions = {},
    ) {
      const call: ApiCall = { method: 'POST', path: pathOf(ref, { ...key, subresource }), query: writeQuery(options), body };
      return (await transport.call(withSignal(call, options.signal))) as T;
    },
    async update<T extends KubeObject>(ref: ResourceRef<T>, object: T, options: CallOptions = {}) {
      const { namespace, name } = object.metadata;
      const path = pathOf(ref, { namespace, name: name ?? '', subresource: options.subresource });
      const call: ApiCall = { method: 'PUT', path, query: writeQuery(options), body: typed(ref, object) };
      return (await transport.call(withSignal(call, options.signal))) as T;
    },
    async patch<T extends KubeObject>(
      ref: ResourceRef<T>,
      key: { namespace?: string | undefined; name: string },
      type: PatchType,
      patch: unknown,
      options: CallOptions & { readonly force?: boolean } = {},
    ) {
      const query = writeQuery(options);
      if (options.force) query['force'] = 'true';
      const path = pathOf(ref, { ...key, subresource: options.subresource });
      const call: ApiCall = { method: 'PATCH', path, query, body: patch, contentType: patchContentTypes[type] };
      return (await transport.call(withSignal(call, options.signal))) as T;
    },
    async delete(ref: ResourceRef, key: { namespace?: string | undefined; name: string }, options: DeleteOptions = {}) {
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
        ...(options.propagationPolicy === undefined ? {} : { propagationPolicy: options.propagationPolicy }),
        ...(options.preconditions === undefined ? {} : { preconditions: options.preconditions }),
        ...(options.dryRun ? { dryRun: ['All'] } : {}),
      };
      await transport.call(withSignal({ method: 'DELETE', path: pathOf(ref, key), body }, options.signal));
    },
  };
}
