import { createHash } from 'node:crypto';
import type { Container, Pod } from '@bayplan/api';

/** `init` runs to its end before the next; `sidecar` is an init container that keeps running; `main` is a regular one. */
export type ContainerRole = 'init' | 'sidecar' | 'main' | 'ephemeral';

export interface ShapedContainer {
  readonly role: ContainerRole;
  readonly spec: Container;
  /** How events name it, such as `spec.containers{web}`. */
  readonly fieldPath: string;
}

/** All containers of a pod in the order they start. */
export function containersOf(pod: Pod): ShapedContainer[] {
  const spec = pod.spec;
  if (spec === undefined) return [];
  return [
    ...(spec.initContainers ?? []).map((container) => ({
      role: container.restartPolicy === 'Always' ? ('sidecar' as const) : ('init' as const),
      spec: container,
      fieldPath: `spec.initContainers{${container.name}}`,
    })),
    ...spec.containers.map((container) => ({ role: 'main' as const, spec: container, fieldPath: `spec.containers{${container.name}}` })),
    ...(spec.ephemeralContainers ?? []).map((container) => ({
      role: 'ephemeral' as const,
      spec: container,
      fieldPath: `spec.ephemeralContainers{${container.name}}`,
    })),
  ];
}

/** Changes when a running container no longer is what the pod asks for. Only name and image can change in place. */
export function specHash(container: Pick<Container, 'name' | 'image'>): string {
  return createHash('sha256')
    .update(`${container.name}\0${container.image ?? ''}`)
    .digest('hex')
    .slice(0, 8);
}

/** How Kubernetes names a pod in messages: `name_namespace(uid)`. */
export function describePod(pod: Pod): string {
  return `${pod.metadata.name ?? ''}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid ?? ''})`;
}

/** True when the API server says that nothing of the pod runs or will run again. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}
