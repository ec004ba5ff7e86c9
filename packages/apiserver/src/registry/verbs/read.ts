import { badRequest, expired } from '@bayplan/api';
import type { ListOutcome, Outcome } from '../../chain/outcome.ts';
import type { Revision } from '@bayplan/store';
import type { CacheEntry, Selection } from '../cache-event.ts';
import { decodeContinue, encodeContinue } from '../continue-token.ts';
import { selectionOf } from '../selection.ts';
import type { StoredObject } from '../stored-object.ts';
import type { VerbCall } from './services.ts';

/** GET of one object; newest by default, as old as the cache for `resourceVersion=0`. */
export async function getObject(call: VerbCall): Promise<Outcome> {
  const { context, resource } = call;
  const { namespace, name } = context.info;
  const object = await resource.storage.get(namespace, name);
  return { kind: 'object', status: 200, resource, object };
}

/** GET of a collection. */
export async function listObjects(call: VerbCall): Promise<ListOutcome> {
  const { context, resource } = call;
  const { query } = context.request;
  const selection = selectionOf(context, resource);
  const limit = positive(query.get('limit'), 'limit');
  const token = query.get('continue') ?? '';
  if (token !== '') return continueList(call, selection, limit, decodeContinue(token));
  const version = revisionOf(query.get('resourceVersion'));
  const match = query.get('resourceVersionMatch') ?? '';
  checkMatch(match, version);
  if (match === 'Exact' && version !== undefined) return continueList(call, selection, limit, { revision: version, after: undefined });
  const { cache } = resource.storage;
  if (version === undefined) await resource.storage.translate('list', '', () => cache.fresh());
  else {
    await resource.storage.translate('list', '', () => cache.start());
    if (version > cache.revision) await cache.reached(version);
  }
  const entries = cache.list(selection);
  return page(call, entries, limit, cache.revision);
}

function page(call: VerbCall, entries: readonly CacheEntry[], limit: number | undefined, revision: number): ListOutcome {
  const { resource } = call;
  if (limit === undefined || entries.length <= limit) {
    return { kind: 'list', resource, objects: entries.map((entry) => entry.stored), resourceVersion: revision };
  }
  const shown = entries.slice(0, limit).map((entry) => entry.stored);
  const last = shown.at(-1)?.key ?? '';
  const narrowed = call.context.request.query.has('labelSelector') || call.context.request.query.has('fieldSelector');
  return {
    kind: 'list',
    resource,
    objects: shown,
    resourceVersion: revision,
    continueToken: encodeContinue({ revision, after: last }),
    // A remaining count under a selector would have to be exact, which costs a second pass: Kubernetes leaves it out.
    remaining: narrowed ? undefined : entries.length - limit,
  };
}

/** Later pages and exact revisions come from the store's history. */
async function continueList(
  call: VerbCall,
  selection: Selection,
  limit: number | undefined,
  from: { revision: number; after: string | undefined },
): Promise<ListOutcome> {
  const { resource } = call;
  const found: StoredObject[] = [];
  let { after } = from;
  for (;;) {
    const wanted = limit === undefined ? 500 : Math.max(limit - found.length, 1);
    const batch = await resource.storage.listAt(selection.namespace ?? '', from.revision as Revision, after, wanted);
    for (const entry of batch.entries) if (selectedFrom(selection, entry)) found.push(entry.stored);
    after = batch.entries.at(-1)?.stored.key ?? after;
    const more = batch.remaining > 0;
    if (more && (limit === undefined || found.length < limit)) continue;
    return {
      kind: 'list',
      resource,
      objects: found,
      resourceVersion: from.revision,
      continueToken: more && after !== undefined ? encodeContinue({ revision: from.revision, after }) : undefined,
      remaining: more ? batch.remaining : undefined,
    };
  }
}

function selectedFrom(selection: Selection, entry: CacheEntry): boolean {
  if (selection.namespace !== undefined && selection.namespace !== entry.namespace) return false;
  if (selection.name !== undefined && selection.name !== entry.name) return false;
  return selection.matches(entry);
}

/** A resourceVersion of a query: undefined when unset. Throws `BadRequest`. */
export function revisionOf(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  if (!/^\d+$/.test(text))
    throw badRequest(`Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function checkMatch(match: string, version: number | undefined): void {
  if (match === '') return;
  if (match !== 'Exact' && match !== 'NotOlderThan')
    throw badRequest(`resourceVersionMatch: Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan"`);
  if (version === undefined) throw badRequest('resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (match === 'Exact' && version === 0) throw expired('resourceVersionMatch "Exact" is forbidden for resourceVersion "0"');
}

function positive(text: string | null, name: string): number | undefined {
  if (text === null || text === '' || text === '0') return undefined;
  if (!/^\d+$/.test(text)) throw badRequest(`${name}: Invalid value: ${JSON.stringify(text)}`);
  return Number(text);
}
