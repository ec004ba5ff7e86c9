import type { KubeObject } from '@bayplan/api';
import type { Conversion } from './served-resource.ts';

/** Core Events under the names of `events.k8s.io/v1`; the rest is the same in both. */
const names: readonly (readonly [core: string, events: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];

const toEvents = new Map(names);
const toCore = new Map(names.map(([core, events]) => [events, core] as const));

/** Events of `events.k8s.io/v1`, stored as core `v1`. */
export const eventsV1: Conversion = {
  toStored: (object) => rename(object, toCore, 'v1'),
  fromStored: (object) => rename(object, toEvents, 'events.k8s.io/v1'),
};

function rename(object: KubeObject, map: ReadonlyMap<string, string>, apiVersion: string): KubeObject {
  const renamed: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) renamed[map.get(key) ?? key] = value;
  return { ...renamed, apiVersion, kind: 'Event', metadata: { ...object.metadata } };
}
