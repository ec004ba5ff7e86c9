import { milliOf, unitsOf } from '@bayplan/api';
import type { Container, Pod } from '@bayplan/api';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/**
 * Guaranteed when every container limits CPU and memory and requests just that; BestEffort when none
 * requests or limits either; else Burstable.
 */
export function qosClassOf(pod: Pod): QosClass {
  const given = pod.status?.qosClass;
  if (given === 'Guaranteed' || given === 'Burstable' || given === 'BestEffort') return given;
  const own = pod.spec?.resources;
  const sets = own === undefined ? allContainers(pod).map((container) => container.resources) : [own];
  let anything = false;
  let guaranteed = sets.length > 0;
  for (const resources of sets) {
    for (const [name, parse] of [
      ['cpu', milliOf],
      ['memory', unitsOf],
    ] as const) {
      const limit = resources?.limits?.[name];
      const request = resources?.requests?.[name] ?? limit;
      if ((limit !== undefined && parse(limit) > 0) || (request !== undefined && parse(request) > 0)) anything = true;
      if (limit === undefined || parse(limit) === 0 || request === undefined || parse(request) !== parse(limit)) guaranteed = false;
    }
  }
  if (!anything) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function allContainers(pod: Pod): Container[] {
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
}
