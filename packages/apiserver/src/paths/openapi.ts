import { openapiHash, openapiV2, openapiV2Protobuf, openapiV2ProtobufMediaType, openapiV3, openapiV3Root } from '@bayplan/api';
import type { OpenApiResource } from '@bayplan/api';
import { webcrypto } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { metricsGroup } from '../metrics-api/metrics-resources.ts';
import type { RequestContext } from '../chain/context.ts';
import { clausesOf } from '../chain/negotiate.ts';
import type { Outcome } from '../chain/outcome.ts';
import type { Registry } from '../registry/registry.ts';
import type { ServedResource } from '../registry/served-resource.ts';
import type { ServerParts } from '../server-parts.ts';

/** How long a document that was made is kept: clients ask for several in a row, and then for long not at all. */
const keptMs = 60_000;
type Kept = Map<string, { readonly bytes: Promise<Uint8Array>; readonly etag: Promise<string> }>;
const keptBy = new WeakMap<Registry, Kept>();

/** `/openapi/v2`, `/openapi/v3` and the documents below it. */
export async function openapi(parts: ServerParts, context: RequestContext, path: string): Promise<Outcome | undefined> {
  if (path === '/openapi/v2') return versionTwo(parts, context);
  if (path === '/openapi/v3') return { kind: 'bytes', status: 200, contentType: 'application/json', bytes: await rootOf(parts) };
  const match = /^\/openapi\/v3\/(?:api\/(v[^/]+)|apis\/([^/]+)\/([^/]+))$/.exec(path);
  if (match === null) return undefined;
  const group = match[2] ?? '';
  const version = match[1] ?? match[3] ?? '';
  const own = [...parts.registry.all()].filter(
    (resource) => resource.group === group && resource.version === version && group !== metricsGroup,
  );
  if (own.length === 0) return undefined;
  const immutable = context.request.query.has('hash') ? { 'cache-control': 'public, immutable' } : {};
  return document(parts, context, path, 'application/json', () => openapiV3(group, version, published(own), nextTurn), immutable);
}

function versionTwo(parts: ServerParts, context: RequestContext): Promise<Outcome> {
  const wanted = clausesOf(context.request.headers['accept'] ?? '').find(
    ({ type }) => type.includes('protobuf') && type.includes('openapi.spec.v2'),
  );
  if (wanted === undefined)
    return document(parts, context, 'v2 json', 'application/json', () => openapiV2(published(parts.registry.all()), nextTurn), {});
  // Clients ask with an `@`, which Go's MIME parser does not take in an answer.
  const contentType = openapiV2ProtobufMediaType.replace('@', '.');
  return document(parts, context, 'v2 protobuf', contentType, () => openapiV2Protobuf(published(parts.registry.all()), nextTurn), {});
}

async function document(
  parts: ServerParts,
  context: RequestContext,
  path: string,
  contentType: string,
  make: () => Promise<Uint8Array>,
  headers: Record<string, string>,
): Promise<Outcome> {
  const { registry } = parts;
  let kept = keptBy.get(registry);
  if (kept === undefined) keptBy.set(registry, (kept = new Map()));
  const documents = kept;
  // What is served may change at any time, and must show at once.
  const name = `${path} ${registry.changes.toString()}`;
  let found = documents.get(name);
  if (found === undefined) {
    const bytes = make();
    found = { bytes, etag: bytes.then(etagOf) };
    documents.set(name, found);
    parts.options.clock.after(keptMs, () => documents.delete(name), { unref: true });
  }
  const etag = await found.etag;
  const all = { etag, vary: 'Accept', ...headers };
  if (context.request.headers['if-none-match'] === etag)
    return { kind: 'bytes', status: 304, contentType, bytes: new Uint8Array(), headers: all };
  return { kind: 'bytes', status: 200, contentType, bytes: await found.bytes, headers: all };
}

/** By a digest that is made off the event loop: documents reach tens of megabytes. */
async function etagOf(bytes: Uint8Array): Promise<string> {
  const digest = await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return `"${Buffer.from(digest).toString('hex').toUpperCase()}"`;
}

async function rootOf(parts: ServerParts): Promise<Uint8Array> {
  const seen = new Map<string, { group: string; version: string; schemas: string[] }>();
  for (const { group, version, custom } of parts.registry.all()) {
    // Its types are not Kubernetes' own, and clients know them.
    if (group === metricsGroup) continue;
    const path = `${group}/${version}`;
    let found = seen.get(path);
    if (found === undefined) seen.set(path, (found = { group, version, schemas: [] }));
    if (custom !== undefined) found.schemas.push(custom.fingerprint);
  }
  const local = [...seen.values()].map(({ group, version, schemas }) => ({
    group,
    version,
    hash: openapiHash(group, version, schemas.join('\n')),
  }));
  const remote: typeof local = [];
  for (const { group, version, discovery: of } of await parts.aggregator.remotes()) {
    const { openapi: place } = await of.current();
    // Without a hash of its own it is asked for each time.
    if (place !== undefined) remote.push({ group, version, hash: /[?&]hash=([^&]+)/.exec(place)?.[1] ?? '' });
  }
  return openapiV3Root([...local, ...remote]);
}

/** The custom resources among `resources`, each with the schema that its definition has now. */
function published(resources: Iterable<ServedResource>): OpenApiResource[] {
  const found: OpenApiResource[] = [];
  for (const resource of resources)
    if (resource.custom !== undefined) found.push({ info: resource, custom: resource.custom.publication() });
  return found;
}
