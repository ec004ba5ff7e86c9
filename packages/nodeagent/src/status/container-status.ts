import type { ContainerState, ContainerStateTerminated, ContainerStatus } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { ObservedContainer } from '../pods/observed.ts';
import { mayRestart } from '../pods/plan.ts';
import type { ShapedContainer } from '../pods/pod-shape.ts';
import { formatDelay } from '../pods/restart-backoff.ts';

/** Why a container does not run yet, as users see it under `state.waiting`. */
export interface WaitingReason {
  readonly reason: string;
  readonly message?: string | undefined;
}

export interface ContainerFacts {
  readonly container: ShapedContainer;
  /** Attempts of this container, newest first. */
  readonly attempts: readonly ObservedContainer[];
  readonly restartPolicy: string | undefined;
  /** `name_namespace(uid)`. */
  readonly podDescription: string;
  /** What the API server has, for what the runtime no longer knows. */
  readonly previous: ContainerStatus | undefined;
  readonly waiting: WaitingReason | undefined;
  readonly backingOff: { readonly delayMs: number } | undefined;
  /** By container id. */
  readonly ready: ReadonlyMap<string, boolean>;
  readonly started: ReadonlySet<string>;
  readonly terminationMessages: ReadonlyMap<string, string>;
  /** Prefix of container ids, such as `bayplan`. */
  readonly runtimeName: string;
  readonly defaultWaiting: 'ContainerCreating' | 'PodInitializing';
  /** Nothing of the pod will be started any more. */
  readonly podEnded: boolean;
}

/** The status of one container. Pure. */
export function containerStatus(facts: ContainerFacts): ContainerStatus {
  const { container, previous } = facts;
  const latest = facts.attempts[0];
  if (latest === undefined) return neverObserved(facts);
  const { state, lastState } = states(facts, latest);
  const running = state.running !== undefined;
  const ready =
    container.role === 'init' ? latest.state === 'exited' && latest.exitCode === 0 : running && (facts.ready.get(latest.id) ?? false);
  return {
    name: container.spec.name,
    state,
    lastState,
    ready,
    restartCount: Math.max(latest.attempt, previous?.restartCount ?? 0),
    image: latest.image,
    imageID: latest.imageId,
    containerID: `${facts.runtimeName}://${latest.id}`,
    started: running && facts.started.has(latest.id),
  };
}

/** A container that the runtime does not have: not made yet, or gone. */
function neverObserved(facts: ContainerFacts): ContainerStatus {
  const { container, previous, podEnded } = facts;
  const existed = previous?.containerID !== undefined && previous.containerID !== '';
  const base = {
    name: container.spec.name,
    ready: false,
    restartCount: previous?.restartCount ?? 0,
    image: previous?.image ?? container.spec.image ?? '',
    imageID: previous?.imageID ?? '',
    started: false,
    ...(existed ? { containerID: previous.containerID as string } : {}),
  };
  if (existed && previous.state?.terminated !== undefined && podEnded)
    return { ...base, ready: previous.ready, state: previous.state, lastState: previous.lastState ?? {} };
  if (existed && podEnded) {
    const lost = {
      exitCode: 137,
      reason: 'ContainerStatusUnknown',
      message: 'The container could not be located when the pod was terminated',
    };
    return { ...base, state: { terminated: lost }, lastState: {} };
  }
  const lastState = previous?.state?.terminated === undefined ? (previous?.lastState ?? {}) : { terminated: previous.state.terminated };
  return { ...base, state: { waiting: waitingState(facts.waiting ?? { reason: facts.defaultWaiting }) }, lastState };
}

function states(facts: ContainerFacts, latest: ObservedContainer): { state: ContainerState; lastState: ContainerState } {
  const before = facts.attempts[1];
  const lastState: ContainerState =
    before?.state === 'exited' ? { terminated: terminatedState(facts, before) } : (facts.previous?.lastState ?? {});
  switch (latest.state) {
    case 'running':
      return { state: { running: { startedAt: timestamp(latest.startedAtMs) } }, lastState };
    case 'created':
      return { state: { waiting: waitingState(facts.waiting ?? { reason: facts.defaultWaiting }) }, lastState };
    case 'unknown':
      return { state: { waiting: { reason: 'ContainerStatusUnknown' } }, lastState };
    case 'exited': {
      const terminated = terminatedState(facts, latest);
      const again = !facts.podEnded && mayRestart(facts.container, facts.restartPolicy, latest.exitCode);
      const waiting = again ? (facts.waiting ?? backoffReason(facts)) : undefined;
      return waiting === undefined
        ? { state: { terminated }, lastState }
        : { state: { waiting: waitingState(waiting) }, lastState: { terminated } };
    }
  }
}

function backoffReason(facts: ContainerFacts): WaitingReason | undefined {
  if (facts.backingOff === undefined) return undefined;
  return {
    reason: 'CrashLoopBackOff',
    message: `back-off ${formatDelay(facts.backingOff.delayMs)} restarting failed container=${facts.container.spec.name} pod=${facts.podDescription}`,
  };
}

function waitingState(waiting: WaitingReason): { reason: string; message?: string } {
  return { reason: waiting.reason, ...(waiting.message === undefined ? {} : { message: waiting.message }) };
}

function terminatedState(facts: ContainerFacts, ended: ObservedContainer): ContainerStateTerminated {
  const message = facts.terminationMessages.get(ended.id) ?? ended.message;
  return {
    exitCode: ended.exitCode,
    reason: ended.reason === '' ? (ended.exitCode === 0 ? 'Completed' : 'Error') : ended.reason,
    ...(message === '' ? {} : { message }),
    ...(ended.startedAtMs > 0 ? { startedAt: timestamp(ended.startedAtMs) } : {}),
    finishedAt: timestamp(ended.finishedAtMs),
    containerID: `${facts.runtimeName}://${ended.id}`,
  };
}
