import type { ApiResponse } from '../http/response.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import { jsonBytes, listHead, objectIn, bookmarkObject } from './encode.ts';
import type { RequestContext } from './context.ts';
import type { Representation } from './negotiate.ts';
import type { Outcome, WatchOutcome } from './outcome.ts';
import type { ServedResource } from '../registry/served-resource.ts';

type Encodable = Exclude<Outcome, { kind: 'bytes' | 'stream' }>;

/** Encodes what is not plain JSON of stored objects: YAML, protobuf, tables and metadata alone. */
export async function encodeSpecial(
  _context: RequestContext,
  outcome: Encodable,
  representation: Representation,
  headers: Record<string, string | readonly string[]>,
): Promise<ApiResponse> {
  headers['content-type'] = representation.mediaType;
  if (outcome.kind === 'watch') {
    headers['content-type'] = 'application/json';
    return { status: 200, headers, body: { kind: 'stream', chunks: lines(outcome, representation) } };
  }
  const value = valueOf(outcome, representation);
  const status = outcome.kind === 'list' ? 200 : outcome.status;
  if (representation.mediaType === 'application/yaml') {
    const { stringify } = await import('yaml');
    return { status, headers, body: { kind: 'bytes', chunks: [Buffer.from(stringify(value, { aliasDuplicateObjects: false }))] } };
  }
  headers['content-type'] = 'application/json';
  return { status, headers, body: { kind: 'bytes', chunks: [jsonBytes(value, representation.pretty)] } };
}

function valueOf(outcome: Exclude<Encodable, WatchOutcome>, representation: Representation): unknown {
  switch (outcome.kind) {
    case 'value':
      return outcome.value;
    case 'object':
      return single(outcome.resource, outcome.object, representation);
    case 'list':
      return { ...listHead(outcome), items: outcome.objects.map((object) => single(outcome.resource, object, representation)) };
  }
}

function single(resource: ServedResource, object: StoredObject, _representation: Representation): unknown {
  return objectIn(resource, object);
}

async function* lines(outcome: WatchOutcome, representation: Representation): AsyncGenerator<readonly Uint8Array[]> {
  for await (const batch of outcome.events) {
    yield batch.map((item) =>
      jsonBytes(
        {
          type: item.type,
          object: item.type === 'BOOKMARK' ? bookmarkObject(outcome.resource, item) : single(outcome.resource, item.object, representation),
        },
        false,
      ),
    );
  }
}
