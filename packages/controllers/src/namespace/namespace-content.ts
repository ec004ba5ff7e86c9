import { isNotFound, statusOf } from '@bayplan/api';
import type { KubeObject, ResourceRef } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import { textOf } from '../pods/pod-control.ts';
import { forEachLimited } from '../runtime/slow-start.ts';

/** What is left of one resource in a namespace after a round of deletions. */
export interface RemainingContent {
  readonly ref: ResourceRef;
  readonly objects: readonly KubeObject[];
  /** Why the content could not be listed or deleted. */
  readonly failure?: string;
}

const pageSize = 500;
const parallelDeletes = 4;

/** Asks for the deletion of everything of one resource in a namespace and says what is still there. */
export async function deleteContent(client: Client, ref: ResourceRef, namespace: string, signal: AbortSignal): Promise<RemainingContent> {
  let found: KubeObject[];
  try {
    found = await listAll(client, ref, namespace, signal);
  } catch (error) {
    if (isNotServed(error)) return { ref, objects: [] };
    return { ref, objects: [], failure: textOf(error) };
  }
  let failure: string | undefined;
  await forEachLimited(found, parallelDeletes, async (object) => {
    if (object.metadata.deletionTimestamp !== undefined) return;
    const { name = '', uid } = object.metadata;
    try {
      const options = { propagationPolicy: 'Background' as const, ...(uid ? { preconditions: { uid } } : {}), signal };
      await client.delete(ref, { namespace, name }, options);
    } catch (error) {
      if (!isNotFound(error)) failure = textOf(error);
    }
  });
  if (found.length === 0) return { ref, objects: [] };
  const objects = await listAll(client, ref, namespace, signal);
  return { ref, objects, ...(failure === undefined ? {} : { failure }) };
}

async function listAll(client: Client, ref: ResourceRef, namespace: string, signal: AbortSignal): Promise<KubeObject[]> {
  const found: KubeObject[] = [];
  let next: string | undefined;
  do {
    const page = await client.list(ref, { namespace, limit: pageSize, metadataOnly: true, signal, ...(next ? { continue: next } : {}) });
    found.push(...page.items);
    next = page.metadata.continue;
  } while (next);
  return found;
}

/** The resource is not served here or cannot be listed: it has no content. */
function isNotServed(error: unknown): boolean {
  const code = statusOf(error)?.code;
  return code === 404 || code === 405;
}
