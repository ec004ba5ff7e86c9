import type { PodTemplateSpec } from '@bayplan/api';
import { canonicalJson, semanticallyEqual } from '../runtime/semantic-equality.ts';
import { podTemplateHashLabel } from './deployment-spec.ts';

const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Whether two templates make the same pods; the hash label does not count. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return semanticallyEqual(withoutHash(a), withoutHash(b));
}

function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec {
  const metadata = template?.metadata ?? {};
  const labels = Object.fromEntries(Object.entries(metadata.labels ?? {}).filter(([label]) => label !== podTemplateHashLabel));
  return { ...template, metadata: { ...metadata, creationTimestamp: undefined, labels } };
}

/** The suffix of a ReplicaSet's name: the same for the same template and count of collisions (FNV-1a, 32 bits). */
export function templateHash(template: PodTemplateSpec | undefined, collisionCount: number | undefined): string {
  const text = `${canonicalJson(template)}${collisionCount === undefined ? '' : String(collisionCount)}`;
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return [...String(hash)].map((digit) => suffixAlphabet.charAt(digit.charCodeAt(0) % suffixAlphabet.length)).join('');
}
