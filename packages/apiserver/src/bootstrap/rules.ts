import type { PolicyRule } from '@bayplan/api';

export const read = ['get', 'list', 'watch'] as const;
export const write = ['create', 'delete', 'deletecollection', 'patch', 'update'] as const;
export const readUpdate = ['get', 'list', 'watch', 'update', 'patch'] as const;
export const readWrite = [...read, ...write] as const;

/** A rule about resources of one group; several words are separated by spaces. */
export function rule(verbs: readonly string[], group: string, resources: string, names?: readonly string[]): PolicyRule {
  return {
    verbs: [...verbs],
    apiGroups: [group],
    resources: resources.split(' '),
    ...(names === undefined ? {} : { resourceNames: [...names] }),
  };
}

/** A rule about plain paths. */
export function paths(verbs: readonly string[], urls: string): PolicyRule {
  return { verbs: [...verbs], nonResourceURLs: urls.split(' ') };
}

/** Events may be recorded through both of their groups. */
export const recordEvents: readonly PolicyRule[] = [
  { verbs: ['create', 'patch', 'update'], apiGroups: ['', 'events.k8s.io'], resources: ['events'] },
];
