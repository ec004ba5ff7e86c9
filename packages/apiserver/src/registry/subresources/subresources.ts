import type { SpecialHandler } from '../dispatch.ts';
import { bindPod } from './binding.ts';
import { evictPod } from './eviction.ts';
import { scaleWorkload } from './scale.ts';

/** Subresources that are more than a part of their object, by `GROUP/RESOURCE/SUBRESOURCE`. */
export const subresourceHandlers: readonly (readonly [string, SpecialHandler])[] = [
  ['/bindings', bindPod],
  ['/pods/binding', bindPod],
  ['/pods/eviction', evictPod],
  ['/replicationcontrollers/scale', scaleWorkload],
  ['apps/deployments/scale', scaleWorkload],
  ['apps/replicasets/scale', scaleWorkload],
  ['apps/statefulsets/scale', scaleWorkload],
];
