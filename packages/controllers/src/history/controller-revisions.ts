import { isAlreadyExists, isNotFound, resources } from '@bayplan/api';
import type { ControllerRevision, KubeObject, LabelSelector, PodTemplateSpec, ResourceRef } from '@bayplan/api';
import type { Client, Informer } from '@bayplan/client';
import { claimChildren } from '../owners/claim-children.ts';
import { controllerReference } from '../owners/owner-references.ts';
import { canonicalJson } from '../runtime/semantic-equality.ts';
import { shortHash } from '../runtime/short-hash.ts';

/** A workload whose templates are kept as ControllerRevisions. */
export interface RevisedWorkload extends KubeObject {
  readonly spec?: RevisedSpec | undefined;
  readonly status?: { readonly collisionCount?: number | undefined } | undefined;
}

interface RevisedSpec {
  readonly selector?: LabelSelector | undefined;
  readonly template: PodTemplateSpec;
  readonly revisionHistoryLimit?: number | undefined;
}

export interface HistoryOptions {
  readonly client: Client;
  readonly ref: ResourceRef;
  readonly owner: RevisedWorkload;
  readonly revisions: Informer<ControllerRevision>;
  /** The label of a revision that carries its hash. */
  readonly hashLabel: string;
  readonly signal: AbortSignal;
}

export interface History {
  /** The revision of the workload's template. */
  readonly newest: ControllerRevision;
  /** All others, oldest first. */
  readonly old: readonly ControllerRevision[];
  /** How often a name was taken; more than before when `newest` got another name. */
  readonly collisionCount: number | undefined;
}

/** What a revision holds: the strategic merge patch that brings its template back. */
export function revisionData(template: PodTemplateSpec | undefined): { spec: { template: Record<string, unknown> } } {
  return { spec: { template: { ...template, $patch: 'replace' } } };
}

/** The template that a revision holds. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec | undefined {
  const template = (revision.data as { readonly spec?: { readonly template?: Record<string, unknown> } } | undefined)?.spec?.template;
  if (template === undefined) return undefined;
  return Object.fromEntries(Object.entries(template).filter(([name]) => name !== '$patch'));
}

export function byRevision(a: ControllerRevision, b: ControllerRevision): number {
  if (a.revision !== b.revision) return a.revision - b.revision;
  const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (left !== right) return left < right ? -1 : 1;
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}

/**
 * Claims the workload's revisions and finds the one of its template: made when there is none, and given the
 * highest number when it is an old one. The only writes are those.
 */
export async function reviseHistory(options: HistoryOptions): Promise<History> {
  const { client, ref, owner, revisions, signal } = options;
  const claimed = await claimChildren({
    client,
    ownerRef: ref,
    owner,
    selector: owner.spec?.selector,
    children: revisions,
    signal,
  });
  const sorted = [...claimed].sort(byRevision);
  const last = sorted.at(-1);
  const number = (last?.revision ?? 0) + 1;
  const wanted = canonicalJson(revisionData(owner.spec?.template));
  const same = sorted.filter((revision) => canonicalJson(revision.data) === wanted).at(-1);
  const { collisionCount } = owner.status ?? {};
  if (same === undefined) {
    const made = await createRevision(options, number);
    return { newest: made.revision, old: sorted, collisionCount: made.collisionCount };
  }
  const old = sorted.filter((revision) => revision !== same);
  if (same === last) return { newest: same, old, collisionCount };
  return { newest: await client.update(resources.controllerRevisions, { ...same, revision: number }, { signal }), old, collisionCount };
}

async function createRevision(
  options: HistoryOptions,
  number: number,
): Promise<{ revision: ControllerRevision; collisionCount: number | undefined }> {
  const { client, ref, owner, hashLabel, signal } = options;
  const data = revisionData(owner.spec?.template);
  const { namespace, name = '', annotations } = owner.metadata;
  let collisionCount = owner.status?.collisionCount;
  for (;;) {
    const hash = shortHash(`${canonicalJson(data)}${collisionCount === undefined ? '' : String(collisionCount)}`);
    const revision: ControllerRevision = {
      metadata: {
        ...(namespace ? { namespace } : {}),
        name: `${name}-${hash}`,
        labels: { ...owner.spec?.template.metadata?.labels, [hashLabel]: hash },
        ...(annotations ? { annotations } : {}),
        ownerReferences: [controllerReference(ref, owner)],
      },
      data,
      revision: number,
    };
    try {
      return { revision: await client.create(resources.controllerRevisions, revision, { signal }), collisionCount };
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const existing = await client
      .get(resources.controllerRevisions, { namespace, name: `${name}-${hash}` }, { signal })
      .catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
    const ours = existing?.metadata.ownerReferences?.some((reference) => reference.uid === owner.metadata.uid);
    if (existing && ours && canonicalJson(existing.data) === canonicalJson(data)) return { revision: existing, collisionCount };
    if (existing) collisionCount = (collisionCount ?? 0) + 1;
  }
}

/** Old revisions beyond the limit that nothing uses, oldest first. `live` holds names or hashes in use. */
export function beyondHistory(old: readonly ControllerRevision[], limit: number, isLive: (revision: ControllerRevision) => boolean) {
  const unused = old.filter((revision) => !isLive(revision));
  return unused.slice(0, Math.max(0, unused.length - limit));
}

/** Deletes revisions; one that is gone already is fine. */
export async function deleteRevisions(client: Client, doomed: readonly ControllerRevision[], signal: AbortSignal): Promise<void> {
  for (const { metadata } of doomed) {
    try {
      await client.delete(resources.controllerRevisions, { namespace: metadata.namespace, name: metadata.name ?? '' }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
