import type { ResourceInfo } from '@bayplan/api';
import { autoscalingV1 } from './autoscaling-conversion.ts';
import { eventsV1 } from './events-conversion.ts';
import type { Conversion } from './served-resource.ts';

/** By `GROUP/VERSION/RESOURCE`: the served versions that are not the stored one. */
export const conversions: ReadonlyMap<string, Conversion> = new Map([
  ['autoscaling/v1/horizontalpodautoscalers', autoscalingV1],
  ['events.k8s.io/v1/events', eventsV1],
]);

/** The group, version and plural that a resource is stored as. */
export function storedVersionOf(info: ResourceInfo): { readonly group: string; readonly version: string; readonly resource: string } {
  if (info.group === 'events.k8s.io') return { group: '', version: 'v1', resource: info.resource };
  if (info.group === 'autoscaling') return { group: info.group, version: 'v2', resource: info.resource };
  return { group: info.group, version: info.version, resource: info.resource };
}
