import type { Deployment, ReplicaSet } from '@bayplan/api';
import {
  byCreation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  replicasOf,
  revisionAnnotation,
  revisionHistoryAnnotation,
  revisionOf,
  rollingLimits,
} from './deployment-spec.ts';
import { sameTemplate } from './pod-template.ts';

/** Annotations of a Deployment that say something about it alone. */
const ownAnnotations = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
]);

/** The history annotation is cut to this length. */
const maxHistoryLength = 2000;

/** The oldest ReplicaSet with the Deployment's template. */
export function findNewest(deployment: Deployment, all: readonly ReplicaSet[]): ReplicaSet | undefined {
  return [...all].sort(byCreation).find((replicaSet) => sameTemplate(replicaSet.spec?.template, deployment.spec?.template));
}

/** One more than the greatest revision of the old ReplicaSets. */
export function nextRevision(old: readonly ReplicaSet[]): number {
  return Math.max(0, ...old.map(revisionOf)) + 1;
}

/** The annotations that the newest ReplicaSet is to have. `existing` is undefined for one that is being made. */
export function newestAnnotations(deployment: Deployment, existing: ReplicaSet | undefined, revision: number): Record<string, string> {
  const before = existing?.metadata.annotations ?? {};
  const annotations: Record<string, string> = { ...before };
  for (const [name, value] of Object.entries(deployment.metadata.annotations ?? {}))
    if (!ownAnnotations.has(name)) annotations[name] = value;
  const oldRevision = existing ? revisionOf(existing) : 0;
  if (oldRevision < revision) {
    annotations[revisionAnnotation] = String(revision);
    const old = before[revisionAnnotation];
    if (old !== undefined) {
      const history = [...(before[revisionHistoryAnnotation] ?? '').split(',').filter(Boolean), old];
      while (history.length > 1 && history.join(',').length > maxHistoryLength) history.shift();
      annotations[revisionHistoryAnnotation] = history.join(',');
    }
  }
  return existing ? annotations : { ...annotations, ...sizeAnnotations(deployment) };
}

/** What a ReplicaSet remembers of the Deployment's size, for sharing out later changes. */
export function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const replicas = replicasOf(deployment);
  return {
    [desiredReplicasAnnotation]: String(replicas),
    [maxReplicasAnnotation]: String(replicas + rollingLimits(deployment).maxSurge),
  };
}

/** Old ReplicaSets beyond the history limit that are empty and settled, oldest revision first. */
export function beyondHistory(deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = deployment.spec?.revisionHistoryLimit ?? 10;
  const alive = old.filter((replicaSet) => replicaSet.metadata.deletionTimestamp === undefined);
  const excess = alive.length - limit;
  if (excess <= 0) return [];
  return [...alive]
    .sort((a, b) => revisionOf(a) - revisionOf(b) || byCreation(a, b))
    .slice(0, excess)
    .filter(
      (replicaSet) =>
        (replicaSet.status?.replicas ?? 0) === 0 &&
        replicasOf(replicaSet) === 0 &&
        (replicaSet.metadata.generation ?? 0) <= (replicaSet.status?.observedGeneration ?? 0),
    );
}
