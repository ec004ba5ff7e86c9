import type { Container, EphemeralContainer, PodSpec, Volume } from '../../generated/types.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import { eachOf } from '../faults.ts';

/** What older objects were allowed and an update may therefore keep. Everything is off for a new object. */
export interface PodLeniency {
  /** Values of label selectors that are no label values. */
  readonly selectorValues?: boolean;
  /** Selectors of spread constraints that are not sound. */
  readonly spreadSelectors?: boolean;
  /** Values of required node affinity that are no label values. */
  readonly nodeAffinityValues?: boolean;
  readonly hugePageSizes?: boolean;
  readonly tokenPaths?: boolean;
  readonly hostSysctls?: boolean;
  readonly deletionCost?: boolean;
}

/** What the parts of one pod's spec need to know of the rest of it. */
export interface PodContext {
  /** Volumes without a fault, by name. */
  readonly volumes: ReadonlyMap<string, Volume>;
  readonly claimNames: ReadonlySet<string>;
  readonly gracePeriodSeconds: number | undefined;
  readonly os: string | undefined;
  readonly restartPolicy: string;
  readonly hostUsers: boolean;
  /** A pod itself, not a template of one. */
  readonly isPod: boolean;
  readonly lenient: PodLeniency;
}

export const strict: PodLeniency = {};

type AnyContainer = Container | EphemeralContainer;

/** Calls `visit` with init, regular and ephemeral containers, in that order. */
export function eachContainer(spec: PodSpec, path: FieldPath, visit: (container: AnyContainer, path: FieldPath) => void): void {
  eachOf<AnyContainer>(spec.initContainers, path.child('initContainers'), visit);
  eachOf<AnyContainer>(spec.containers, path.child('containers'), visit);
  eachOf<AnyContainer>(spec.ephemeralContainers, path.child('ephemeralContainers'), visit);
}

/** An init container that keeps running beside the pod's containers. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}
