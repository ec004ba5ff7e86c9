import type { Affinity, Pod, Toleration, TopologySpreadConstraint } from '@bayplan/api';
import { cpu, memory, podRequests, pods } from './resources.ts';
import type { ResourceNames } from './resources.ts';
import type { ClaimUse } from './volumes.ts';

export interface HostPort {
  readonly protocol: string;
  /** `0.0.0.0` for all addresses of the node. */
  readonly ip: string;
  readonly port: number;
}

export interface ResourceRequest {
  readonly resource: number;
  readonly amount: number;
}

/**
 * All of a pod that placement depends on, shared by all pods that are alike in it. Immutable.
 * Plugins may keep what they compiled from a shape in a `WeakMap`.
 */
export interface PodShape {
  /** Equal for equal shapes. */
  readonly key: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Positive amounts only; always contains one of `pods`. */
  readonly requests: readonly ResourceRequest[];
  /** CPU and memory for scoring: a pod that asks for nothing still uses something (100m and 200 MB, as in Kubernetes). */
  readonly estimatedCpuMilli: number;
  readonly estimatedMemoryBytes: number;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly affinity: Affinity;
  readonly tolerations: readonly Toleration[];
  readonly topologySpread: readonly TopologySpreadConstraint[];
  readonly hostPorts: readonly HostPort[];
  readonly images: readonly string[];
  readonly claims: readonly ClaimUse[];
  readonly priority: number;
  readonly preemptionPolicy: string;
}

const defaultCpuMilli = 100;
const defaultMemoryBytes = 200 * 1024 * 1024;
const maxKnown = 4096;

/** Gives equal pods the same shape object. Bounded: the shapes not asked for longest are forgotten. */
export class ShapeCache {
  readonly #known = new Map<string, PodShape>();
  readonly #resources: ResourceNames;

  constructor(resources: ResourceNames) {
    this.#resources = resources;
  }

  shapeOf(pod: Pod): PodShape {
    const key = shapeKey(pod);
    const known = this.#known.get(key);
    if (known !== undefined) {
      this.#known.delete(key);
      this.#known.set(key, known);
      return known;
    }
    const shape = build(pod, key, this.#resources);
    this.#known.set(key, shape);
    if (this.#known.size > maxKnown) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    return shape;
  }
}

function shapeKey(pod: Pod): string {
  const spec = pod.spec;
  const container = (one: {
    image?: string | undefined;
    resources?: unknown;
    ports?: readonly unknown[] | undefined;
    restartPolicy?: string | undefined;
  }) => [one.image, one.resources, one.ports, one.restartPolicy];
  return JSON.stringify([
    pod.metadata.namespace,
    pod.metadata.labels,
    spec?.containers.map(container),
    spec?.initContainers?.map(container),
    spec?.resources,
    spec?.overhead,
    spec?.nodeSelector,
    spec?.affinity,
    spec?.tolerations,
    spec?.topologySpreadConstraints,
    spec?.hostNetwork,
    spec?.priority,
    spec?.preemptionPolicy,
    ...claimsOf(pod).map((claim) => [claim.key, claim.ownerUid]),
  ]);
}

function build(pod: Pod, key: string, resources: ResourceNames): PodShape {
  const spec = pod.spec ?? { containers: [] };
  const requests = podRequests(spec);
  requests.set('pods', 1);
  const amounts = [...requests]
    .filter(([, amount]) => amount > 0)
    .map(([name, amount]) => ({ resource: resources.numberOf(name), amount }));
  const of = (resource: number) => amounts.find((request) => request.resource === resource)?.amount;
  return Object.freeze({
    key,
    namespace: pod.metadata.namespace ?? '',
    labels: pod.metadata.labels ?? {},
    requests: amounts.sort((left, right) => rank(left.resource) - rank(right.resource)),
    estimatedCpuMilli: of(cpu) ?? defaultCpuMilli,
    estimatedMemoryBytes: of(memory) ?? defaultMemoryBytes,
    nodeSelector: spec.nodeSelector ?? {},
    affinity: spec.affinity ?? {},
    tolerations: spec.tolerations ?? [],
    topologySpread: spec.topologySpreadConstraints ?? [],
    hostPorts: hostPortsOf(pod),
    images: spec.containers.map((container) => container.image ?? ''),
    claims: claimsOf(pod),
    priority: spec.priority ?? 0,
    preemptionPolicy: spec.preemptionPolicy ?? 'PreemptLowerPriority',
  });
}

/** The order in which Kubernetes names what is missing: pods first. */
function rank(resource: number): number {
  return resource === pods ? -1 : resource;
}

function hostPortsOf(pod: Pod): HostPort[] {
  const containers = [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always'),
  ];
  return containers.flatMap((container) =>
    (container.ports ?? [])
      .filter((port) => (port.hostPort ?? 0) > 0)
      .map((port) => ({ protocol: port.protocol ?? 'TCP', ip: port.hostIP ? port.hostIP : '0.0.0.0', port: port.hostPort ?? 0 })),
  );
}

function claimsOf(pod: Pod): ClaimUse[] {
  const claims: ClaimUse[] = [];
  const { namespace = '', name: podName = '', uid } = pod.metadata;
  for (const { name: volumeName, persistentVolumeClaim, ephemeral } of pod.spec?.volumes ?? []) {
    const name = persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? undefined : `${podName}-${volumeName}`);
    if (name !== undefined) claims.push({ key: `${namespace}/${name}`, name, ...(ephemeral && uid ? { ownerUid: uid } : {}) });
  }
  return claims;
}
