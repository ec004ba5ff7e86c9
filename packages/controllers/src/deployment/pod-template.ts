import type { PodTemplateSpec } from '@bayplan/api';
import { canonicalJson, semanticallyEqual } from '../runtime/semantic-equality.ts';
import { shortHash } from '../runtime/short-hash.ts';
import { podTemplateHashLabel } from './deployment-spec.ts';

/** Whether two templates make the same pods; the hash label does not count. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return semanticallyEqual(withoutHash(a), withoutHash(b));
}

function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec {
  const metadata = template?.metadata ?? {};
  const labels = Object.fromEntries(Object.entries(metadata.labels ?? {}).filter(([label]) => label !== podTemplateHashLabel));
  return { ...template, metadata: { ...metadata, creationTimestamp: undefined, labels } };
}

/** The suffix of a ReplicaSet's name: the same for the same template and count of collisions. */
export function templateHash(template: PodTemplateSpec | undefined, collisionCount: number | undefined): string {
  const text = `${canonicalJson(template)}${collisionCount === undefined ? '' : String(collisionCount)}`;
  return shortHash(text);
}
