import { openapiHash, openapiV2, openapiV2Protobuf, openapiV2ProtobufMediaType, openapiV3, openapiV3Root } from '@bayplan/api';
import { createHash } from 'node:crypto';
import type { RequestContext } from '../chain/context.ts';
import { clausesOf } from '../chain/negotiate.ts';
import type { Outcome } from '../chain/outcome.ts';
import type { ServerParts } from '../server-parts.ts';

/** How long a document that was made is kept: clients ask for several in a row, and then for long not at all. */
const keptMs = 60_000;
const kept = new Map<string, { readonly bytes: Promise<Uint8Array>; readonly etag: Promise<string> }>();

/** `/openapi/v2`, `/openapi/v3` and the documents below it. */
export async function openapi(parts: ServerParts, context: RequestContext, path: string): Promise<Outcome | undefined> {
  if (path === '/openapi/v2') return versionTwo(parts, context);
  if (path === '/openapi/v3') return { kind: 'bytes', status: 200, contentType: 'application/json', bytes: rootOf(parts) };
  const match = /^\/openapi\/v3\/(?:api\/(v[^/]+)|apis\/([^/]+)\/([^/]+))$/.exec(path);
  if (match === null) return undefined;
  const group = match[2] ?? '';
  const version = match[1] ?? match[3] ?? '';
  const known = [...parts.registry.all()].some((resource) => resource.group === group && resource.version === version);
  if (!known) return undefined;
  const immutable = context.request.query.has('hash') ? { 'cache-control': 'public, immutable' } : {};
  return document(parts, context, path, 'application/json', () => openapiV3(group, version), immutable);
}

function versionTwo(parts: ServerParts, context: RequestContext): Promise<Outcome> {
  const wanted = clausesOf(context.request.headers['accept'] ?? '').find(
    ({ type }) => type.includes('protobuf') && type.includes('openapi.spec.v2'),
  );
  if (wanted === undefined) return document(parts, context, 'v2 json', 'application/json', openapiV2, {});
  // Clients ask with an `@`, which Go's MIME parser does not take in an answer.
  const contentType = openapiV2ProtobufMediaType.replace('@', '.');
  return document(parts, context, 'v2 protobuf', contentType, openapiV2Protobuf, {});
}

async function document(
  parts: ServerParts,
  context: RequestContext,
  name: string,
  contentType: string,
  make: () => Promise<Uint8Array>,
  headers: Record<string, string>,
): Promise<Outcome> {
  let found = kept.get(name);
  if (found === undefined) {
    const bytes = make();
    found = { bytes, etag: bytes.then((made) => `"${createHash('sha256').update(made).digest('hex').toUpperCase()}"`) };
    kept.set(name, found);
    parts.options.clock.after(keptMs, () => kept.delete(name), { unref: true });
  }
  const etag = await found.etag;
  const all = { etag, vary: 'Accept', ...headers };
  if (context.request.headers['if-none-match'] === etag)
    return { kind: 'bytes', status: 304, contentType, bytes: new Uint8Array(), headers: all };
  return { kind: 'bytes', status: 200, contentType, bytes: await found.bytes, headers: all };
}

function rootOf(parts: ServerParts): Uint8Array {
  const seen = new Map<string, { group: string; version: string; hash: string }>();
  for (const { group, version } of parts.registry.all())
    seen.set(`${group}/${version}`, { group, version, hash: openapiHash(group, version) });
  return openapiV3Root([...seen.values()]);
}
