import type { Container, ObjectMeta, PodSpec } from '@bayplan/api';

/** A pod, or what a workload will make pods of. */
export interface Subject {
  readonly metadata: ObjectMeta | undefined;
  readonly spec: PodSpec;
  /** Init, ordinary and ephemeral containers, in this order. */
  readonly containers: readonly Container[];
}

export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

/** Undefined when the pod is allowed. */
export type CheckPod = (subject: Subject) => Violation | undefined;

/** One rule of the Pod Security Standards. */
export interface Check {
  readonly id: string;
  readonly level: 'baseline' | 'restricted';
  /** By the first minor version of v1 each holds for, rising. */
  readonly versions: readonly { readonly since: number; readonly check: CheckPod; readonly overrides?: string }[];
}

export function subjectOf(metadata: ObjectMeta | undefined, spec: PodSpec): Subject {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])] as Container[];
  return { metadata, spec, containers };
}

/** `container "a"`, `containers "a", "b"`. */
export function containersText(names: readonly string[]): string {
  return `${plural('container', 'containers', names.length)} ${quoted(names)}`;
}

export function quoted(items: Iterable<string>): string {
  return [...items].map((item) => `"${item}"`).join(', ');
}

export function sorted(items: Iterable<string>): string[] {
  return [...new Set(items)].sort();
}

export function plural(one: string, many: string, count: number): string {
  return count === 1 ? one : many;
}

/** The pod itself and its containers, whichever of them break a rule: `pod and container "a"`. */
export function settersText(pod: boolean, containers: readonly string[]): string {
  return [...(pod ? ['pod'] : []), ...(containers.length > 0 ? [containersText(containers)] : [])].join(' and ');
}

/** Names of the containers for which `isBad` holds. */
export function namesOf({ containers }: Subject, isBad: (container: Container) => boolean): string[] {
  return containers.filter(isBad).map((container) => container.name);
}

export function usesUserNamespace({ spec }: Subject): boolean {
  return spec.hostUsers === false;
}
