import { badRequest, expired, expiredContinue, notFound, tooLargeResourceVersion } from '@bayplan/api';
import { isStoreError } from '@bayplan/store';
import type { Revision } from '@bayplan/store';
import type { ListOutcome, Outcome } from '../../chain/outcome.ts';
import type { CacheEntry, Selection } from '../cache-event.ts';
import { decodeContinue, encodeContinue, newest } from '../continue-token.ts';
import type { ContinueToken } from '../continue-token.ts';
import { selectionOf } from '../selection.ts';
import { listOptions, revisionOf } from './list-options.ts';
import type { ListOptions } from './list-options.ts';
import type { VerbCall } from './services.ts';

/** Objects that are read from the store's history at once. */
const historyPage = 500;

/** GET of one object; newest by default, as old as the cache for `resourceVersion=0`. */
export async function getObject(call: VerbCall): Promise<Outcome> {
  const { context, resource } = call;
  const { namespace, name } = context.info;
  const version = revisionOf(context.request.query.get('resourceVersion') ?? '');
  if (version === undefined) return { kind: 'object', status: 200, resource, object: await resource.storage.get(namespace, name) };
  await notOlderThan(call, version);
  const object = resource.storage.cache.get(namespace, name)?.stored;
  if (object === undefined) throw notFound(resource.storage.resource, name);
  return { kind: 'object', status: 200, resource, object };
}

/**
 * GET of a collection: the newest state; with a `resourceVersion` one that is not older, or exactly that one
 * when it is asked for or when the list comes in pages.
 */
export async function listObjects(call: VerbCall): Promise<ListOutcome> {
  const { context, resource } = call;
  const options = listOptions(context.request.query, false);
  const selection = selectionOf(context, resource);
  const { cache } = resource.storage;
  const { resourceVersion: version, limit } = options;
  if (options.continueToken !== undefined) return nextPage(call, selection, options, decodeContinue(options.continueToken));
  if (version === undefined) await resource.storage.translate('list', '', () => cache.fresh());
  else {
    await notOlderThan(call, version);
    const exact = options.resourceVersionMatch === 'Exact' || (options.resourceVersionMatch === undefined && limit !== undefined);
    if (exact && version > 0) return exactly(call, selection, limit, version);
  }
  // Whoever takes any state gets it whole: it lies in memory anyway.
  return pageOf(call, cache.list(selection), version === 0 ? undefined : limit, cache.revision);
}

/** Waits until the cache has reached `version`. Throws `Timeout` when it does not within seconds. */
export async function notOlderThan(call: VerbCall, version: number): Promise<void> {
  const { storage } = call.resource;
  const { cache } = storage;
  await storage.translate(call.context.info.verb, '', () => cache.start());
  if (version > cache.revision && !(await cache.reaches(version))) throw tooLargeResourceVersion(version, cache.revision);
}

async function nextPage(call: VerbCall, selection: Selection, options: ListOptions, token: ContinueToken): Promise<ListOutcome> {
  if (options.resourceVersion !== undefined && options.resourceVersion !== 0)
    throw badRequest('specifying resource version is not allowed when using continue');
  const { storage } = call.resource;
  if (token.revision !== newest) return exactly(call, selection, options.limit, token.revision, token.after);
  await storage.translate('list', '', () => storage.cache.fresh());
  const rest = storage.cache.list(selection).filter((entry) => entry.stored.key > token.after);
  return pageOf(call, rest, options.limit, storage.cache.revision);
}

/** A state of the past: from the cache when nothing has changed since, otherwise from the store's history. */
async function exactly(
  call: VerbCall,
  selection: Selection,
  limit: number | undefined,
  revision: number,
  after?: string,
): Promise<ListOutcome> {
  const { storage } = call.resource;
  const { cache } = storage;
  await notOlderThan(call, revision);
  if (cache.lastChange <= revision) {
    const entries = cache.list(selection);
    return pageOf(call, after === undefined ? entries : entries.filter((entry) => entry.stored.key > after), limit, revision);
  }
  try {
    return await fromHistory(call, selection, limit, revision, after);
  } catch (error) {
    if (!isStoreError(error, 'compacted')) return storage.translate('list', '', () => Promise.reject(error as Error));
    if (after === undefined) throw expired('The resourceVersion for the provided list is too old.');
    throw expiredContinue(encodeContinue({ revision: newest, after }));
  }
}

async function fromHistory(
  call: VerbCall,
  selection: Selection,
  limit: number | undefined,
  revision: number,
  from: string | undefined,
): Promise<ListOutcome> {
  const { storage } = call.resource;
  const { signal } = call.context.request;
  const found: CacheEntry[] = [];
  const wanted = limit ?? Number.POSITIVE_INFINITY;
  let remaining = 0;
  let after = from;
  do {
    const batch = await storage.listAt(selection.namespace ?? '', revision as Revision, after, historyPage, signal);
    remaining = batch.remaining;
    for (const [at, entry] of batch.entries.entries()) {
      // One more than asked: only then is it known that another page has something to show.
      if (found.length > wanted) {
        remaining += batch.entries.length - at;
        break;
      }
      if (selects(selection, entry)) found.push(entry);
    }
    after = batch.entries.at(-1)?.stored.key ?? after;
  } while (remaining > 0 && found.length <= wanted);
  return pageOf(call, found, limit, revision, remaining);
}

/** The first `limit` of `entries`, after which `unread` more come. */
function pageOf(call: VerbCall, entries: readonly CacheEntry[], limit: number | undefined, revision: number, unread = 0): ListOutcome {
  const { resource, context } = call;
  const objects = (limit === undefined || entries.length <= limit ? entries : entries.slice(0, limit)).map((entry) => entry.stored);
  const outcome: ListOutcome = { kind: 'list', resource, objects, resourceVersion: revision };
  const last = objects.at(-1);
  if (objects.length === entries.length || last === undefined) return outcome;
  const { query } = context.request;
  // How many are left under a selector would take reading all of them: Kubernetes does not say either.
  const narrowed = Boolean(query.get('labelSelector')) || Boolean(query.get('fieldSelector'));
  return {
    ...outcome,
    continueToken: encodeContinue({ revision, after: last.key }),
    remaining: narrowed ? undefined : entries.length - objects.length + unread,
  };
}

function selects(selection: Selection, entry: CacheEntry): boolean {
  if (selection.namespace !== undefined && selection.namespace !== entry.namespace) return false;
  if (selection.name !== undefined && selection.name !== entry.name) return false;
  return selection.matches(entry);
}
