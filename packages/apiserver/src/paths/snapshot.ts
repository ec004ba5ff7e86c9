import { encodeSnapshot, takeSnapshot } from '@bayplan/store';
import type { RequestContext } from '../chain/context.ts';
import type { Outcome } from '../chain/outcome.ts';
import type { ServerParts } from '../server-parts.ts';

/** Like every plain path, open to whom RBAC grants it as a non-resource URL: of the built-in roles only to cluster-admin. */
export const snapshotPath = '/bayplan/v1/snapshot';

/**
 * The whole store at one revision, as `@bayplan/store` encodes it. Values are as they are on disk:
 * Secrets encrypted, and the cluster's keys sealed with the bootstrap secret.
 */
export async function snapshot(parts: ServerParts, context: RequestContext): Promise<Outcome | undefined> {
  if (context.request.method !== 'GET') return undefined;
  const taken = await takeSnapshot(parts.options.store, context.request.signal);
  return { kind: 'stream', status: 200, headers: { 'content-type': 'application/octet-stream' }, chunks: encodeSnapshot(taken) };
}
