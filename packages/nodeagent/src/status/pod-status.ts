import type { ContainerStatus, Pod, PodStatus } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import { currentSandbox, latestOf } from '../pods/observed.ts';
import type { ObservedPod } from '../pods/observed.ts';
import { containersOf, describePod } from '../pods/pod-shape.ts';
import type { ShapedContainer } from '../pods/pod-shape.ts';
import { qosClassOf } from '../runtime/qos.ts';
import { podConditions } from './conditions.ts';
import { containerStatus } from './container-status.ts';
import type { WaitingReason } from './container-status.ts';
import { podPhase } from './phase.ts';

export interface StatusFacts {
  readonly pod: Pod;
  readonly observed: ObservedPod;
  /** What was last reported; the API server's status after a restart of the agent. */
  readonly previous: PodStatus | undefined;
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  readonly backingOff: ReadonlyMap<string, { readonly delayMs: number }>;
  readonly ready: ReadonlyMap<string, boolean>;
  readonly started: ReadonlySet<string>;
  readonly terminationMessages: ReadonlyMap<string, string>;
  readonly runtimeName: string;
  readonly hostIp: string;
  readonly nowMs: number;
  /** Nothing of the pod will be started any more: it finished, or it is being deleted and all has stopped. */
  readonly podEnded: boolean;
  /** Set when the agent itself ended the pod, such as for its deadline. */
  readonly verdict?: { readonly reason: string; readonly message: string } | undefined;
}

/** The status subresource that the agent reports for a pod. Pure. */
export function podStatus(facts: StatusFacts): PodStatus {
  const { pod, observed, previous } = facts;
  const containers = containersOf(pod);
  const statuses = containers.map((container) => ({ role: container.role, status: statusOf(facts, container, containers) }));
  const phase = facts.verdict !== undefined && facts.podEnded ? 'Failed' : podPhase(statuses, pod.spec?.restartPolicy, facts.podEnded);
  const sandbox = currentSandbox(observed);
  const ips = addresses(facts, sandbox?.ips);
  const conditions = podConditions({
    pod,
    phase,
    containers: statuses,
    sandboxReady: sandbox !== undefined,
    previous: previous?.conditions ?? [],
    nowMs: facts.nowMs,
  });
  const of = (...roles: string[]): ContainerStatus[] => statuses.filter((one) => roles.includes(one.role)).map((one) => one.status);
  const inits = of('init', 'sidecar');
  const ephemerals = of('ephemeral');
  return {
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    conditions,
    ...(facts.verdict === undefined ? {} : { reason: facts.verdict.reason, message: facts.verdict.message }),
    hostIP: facts.hostIp,
    hostIPs: [{ ip: facts.hostIp }],
    ...(ips[0] === undefined ? {} : { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
    startTime: previous?.startTime ?? timestamp(facts.nowMs),
    ...(inits.length === 0 ? {} : { initContainerStatuses: inits }),
    containerStatuses: of('main'),
    ...(ephemerals.length === 0 ? {} : { ephemeralContainerStatuses: ephemerals }),
    qosClass: qosClassOf(pod),
  };
}

function statusOf(facts: StatusFacts, container: ShapedContainer, all: readonly ShapedContainer[]): ContainerStatus {
  const name = container.spec.name;
  const hasInit = all.some((one) => one.role === 'init' || one.role === 'sidecar');
  const previous = facts.previous;
  const reported = [
    ...(previous?.initContainerStatuses ?? []),
    ...(previous?.containerStatuses ?? []),
    ...(previous?.ephemeralContainerStatuses ?? []),
  ];
  const initialising = hasInit && !initialised(facts, all);
  return containerStatus({
    container,
    attempts: facts.observed.containers.filter((one) => one.name === name),
    restartPolicy: facts.pod.spec?.restartPolicy,
    podDescription: describePod(facts.pod),
    previous: reported.find((status) => status.name === name),
    waiting: facts.waiting.get(name),
    backingOff: facts.backingOff.get(name),
    ready: facts.ready,
    started: facts.started,
    terminationMessages: facts.terminationMessages,
    runtimeName: facts.runtimeName,
    defaultWaiting: initialising && container.role !== 'ephemeral' ? 'PodInitializing' : 'ContainerCreating',
    podEnded: facts.podEnded,
  });
}

function initialised(facts: StatusFacts, all: readonly ShapedContainer[]): boolean {
  return all.every((one) => {
    const latest = latestOf(facts.observed, one.spec.name);
    if (one.role === 'init') return latest?.state === 'exited' && latest.exitCode === 0;
    return one.role !== 'sidecar' || (latest?.state === 'running' && facts.started.has(latest.id));
  });
}

function addresses(facts: StatusFacts, sandboxIps: readonly string[] | undefined): readonly string[] {
  if (facts.pod.spec?.hostNetwork === true) return [facts.hostIp];
  if (sandboxIps !== undefined && sandboxIps.length > 0) return sandboxIps;
  // Users still see where a finished pod was.
  return (facts.previous?.podIPs ?? []).flatMap((one) => (one.ip ? [one.ip] : []));
}
