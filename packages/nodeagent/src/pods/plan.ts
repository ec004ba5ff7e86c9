import type { Pod } from '@bayplan/api';
import { currentSandbox, latestOf } from './observed.ts';
import type { ObservedContainer, ObservedPod } from './observed.ts';
import { containersOf, specHash } from './pod-shape.ts';
import type { ShapedContainer } from './pod-shape.ts';
import { nextAttempt } from './restart-backoff.ts';

export type PodAction =
  | { readonly kind: 'stop-sandbox'; readonly sandboxId: string; readonly why: 'replaced' | 'finished' }
  | { readonly kind: 'create-sandbox'; readonly attempt: number }
  | {
      readonly kind: 'start-container';
      readonly container: ShapedContainer;
      readonly attempt: number;
      readonly delayAfterMs: number;
      readonly delayedMs: number;
    }
  | {
      readonly kind: 'kill-container';
      readonly observed: ObservedContainer;
      readonly container: ShapedContainer | undefined;
      readonly why: KillReason;
    }
  | { readonly kind: 'remove-container'; readonly containerId: string };

export type KillReason = 'liveness' | 'startup' | 'definition-changed' | 'unknown-state' | 'pod-finished' | 'deadline' | 'restart-pod';

export interface PodPlan {
  /** Those that do not depend on each other may run at the same time: see `runsAlone`. */
  readonly actions: readonly PodAction[];
  /** When to plan again though nothing happened, milliseconds since the epoch. */
  readonly wakeAtMs: number | undefined;
  /** Containers that wait for their restart delay. */
  readonly backingOff: ReadonlyMap<string, { readonly delayMs: number; readonly untilMs: number }>;
  /** Nothing of the pod runs or will be started again. */
  readonly finished: boolean;
}

export interface PlanInput {
  readonly pod: Pod;
  readonly observed: ObservedPod;
  readonly nowMs: number;
  /** Container ids whose liveness or startup probe has failed for good. */
  readonly unhealthy: ReadonlyMap<string, 'liveness' | 'startup'>;
  /** Container ids that count as started: their startup probe, if any, has passed. */
  readonly started: ReadonlySet<string>;
  /** Containers whose last try to start failed before they existed, and when to try again. */
  readonly retryAt: ReadonlyMap<string, number>;
  /** The pod ran longer than its `activeDeadlineSeconds`. */
  readonly deadlineExceeded: boolean;
}

/** Collects one plan; the fields are its result. */
class Draft {
  readonly actions: PodAction[] = [];
  readonly backingOff = new Map<string, { delayMs: number; untilMs: number }>();
  wakeAtMs: number | undefined;

  wakeAt(ms: number): void {
    this.wakeAtMs = this.wakeAtMs === undefined ? ms : Math.min(this.wakeAtMs, ms);
  }

  done(finished: boolean): PodPlan {
    return { actions: this.actions, wakeAtMs: this.wakeAtMs, backingOff: this.backingOff, finished };
  }
}

/**
 * What to do for a pod that is wanted, given what the runtime has. Pure. Applying a plan and planning
 * again ends in an empty plan.
 *
 * Life of a container:
 *
 *     (none) --start--> running --exit--> exited --restart policy, after backoff--> next attempt
 *                          |                 \--policy says no--> final
 *                          \--probe failed, image changed--> killed --> exited
 *
 * A sandbox that is not ready is stopped and replaced, with all containers starting afresh in it,
 * unless the pod has finished.
 */
export function planPod(input: PlanInput): PodPlan {
  const draft = new Draft();
  const containers = containersOf(input.pod);
  collectGarbage(input, draft);
  const finished = input.deadlineExceeded || isFinished(input, containers);
  if (finished) return planFinished(input, containers, draft);

  const sandbox = currentSandbox(input.observed);
  if (sandbox === undefined) return planSandbox(input, containers, draft);
  for (const stale of input.observed.sandboxes.slice(1)) {
    if (stale.ready) draft.actions.push({ kind: 'stop-sandbox', sandboxId: stale.id, why: 'replaced' });
  }
  const inSandbox = {
    ...input,
    observed: { sandboxes: [sandbox], containers: input.observed.containers.filter((container) => container.sandboxId === sandbox.id) },
  };
  killUnwanted(inSandbox, containers, draft);
  if (planInit(inSandbox, input.observed, containers, draft)) {
    for (const container of containers) {
      if (container.role === 'main') planContainer(inSandbox, input.observed, container, draft);
    }
  }
  if (inSandbox.observed.containers.length > 0 || draft.actions.length === 0) {
    for (const container of containers) {
      if (container.role === 'ephemeral' && latestOf(inSandbox.observed, container.spec.name) === undefined)
        startNow(input, input.observed, container, draft);
    }
  }
  return draft.done(false);
}

/** Whether a container that ended this way may run again. */
export function mayRestart(container: ShapedContainer, restartPolicy: string | undefined, exitCode: number): boolean {
  if (container.role === 'sidecar') return true;
  if (container.role === 'ephemeral') return false;
  switch (restartPolicy) {
    case 'Never':
      return false;
    case 'OnFailure':
      return exitCode !== 0;
    default:
      return container.role === 'main' || exitCode !== 0;
  }
}

/**
 * A pod has finished when all its regular containers have ended for good, or an init container has
 * failed for good.
 */
function isFinished(input: PlanInput, containers: readonly ShapedContainer[]): boolean {
  const policy = input.pod.spec?.restartPolicy;
  if (policy === undefined || policy === 'Always') return false;
  const endedForGood = (container: ShapedContainer): boolean => {
    const latest = latestOf(input.observed, container.spec.name);
    return latest?.state === 'exited' && !mayRestart(container, policy, latest.exitCode);
  };
  const failedInit = containers.some(
    (container) => container.role === 'init' && endedForGood(container) && latestOf(input.observed, container.spec.name)?.exitCode !== 0,
  );
  return failedInit || containers.filter((container) => container.role === 'main').every(endedForGood);
}

/** Regular containers end first, then sidecars in reverse order, then the sandbox. */
function planFinished(input: PlanInput, containers: readonly ShapedContainer[], draft: Draft): PodPlan {
  const why = input.deadlineExceeded ? 'deadline' : 'pod-finished';
  const alive = (container: ShapedContainer): ObservedContainer | undefined => {
    const latest = latestOf(input.observed, container.spec.name);
    return latest !== undefined && latest.state !== 'exited' ? latest : undefined;
  };
  for (const container of containers) {
    const observed = container.role === 'sidecar' ? undefined : alive(container);
    if (observed !== undefined) draft.actions.push({ kind: 'kill-container', observed, container, why });
  }
  if (!draft.actions.some((action) => action.kind === 'kill-container')) {
    const sidecar = containers.filter((container) => container.role === 'sidecar').findLast((container) => alive(container) !== undefined);
    const observed = sidecar === undefined ? undefined : alive(sidecar);
    if (observed !== undefined) draft.actions.push({ kind: 'kill-container', observed, container: sidecar, why });
  }
  if (!draft.actions.some((action) => action.kind === 'kill-container')) {
    for (const sandbox of input.observed.sandboxes) {
      if (sandbox.ready) draft.actions.push({ kind: 'stop-sandbox', sandboxId: sandbox.id, why: 'finished' });
    }
  }
  return draft.done(true);
}

/** No sandbox is ready: end what is left of an older one, then make the next. */
function planSandbox(input: PlanInput, containers: readonly ShapedContainer[], draft: Draft): PodPlan {
  const newest = input.observed.sandboxes[0];
  const leftOver = input.observed.containers.filter((container) => container.state !== 'exited');
  if (newest !== undefined && leftOver.length > 0) {
    for (const observed of leftOver) {
      draft.actions.push({
        kind: 'kill-container',
        observed,
        container: containers.find((one) => one.spec.name === observed.name),
        why: 'restart-pod',
      });
    }
    draft.actions.push({ kind: 'stop-sandbox', sandboxId: newest.id, why: 'replaced' });
    return draft.done(false);
  }
  draft.actions.push({ kind: 'create-sandbox', attempt: newest === undefined ? 0 : newest.attempt + 1 });
  return draft.done(false);
}

function killUnwanted(input: PlanInput, containers: readonly ShapedContainer[], draft: Draft): void {
  for (const observed of input.observed.containers) {
    if (observed.state !== 'running' && observed.state !== 'unknown') continue;
    const container = containers.find((one) => one.spec.name === observed.name);
    const failed = input.unhealthy.get(observed.id);
    const why =
      observed.state === 'unknown'
        ? 'unknown-state'
        : failed !== undefined
          ? failed
          : container === undefined || observed.specHash !== specHash(container.spec)
            ? 'definition-changed'
            : undefined;
    if (why !== undefined) draft.actions.push({ kind: 'kill-container', observed, container, why });
  }
}

/** Plans init containers and sidecars; true when the regular containers may start. */
function planInit(input: PlanInput, everything: ObservedPod, containers: readonly ShapedContainer[], draft: Draft): boolean {
  const mainBegan = containers.some(
    (container) => container.role === 'main' && latestOf(input.observed, container.spec.name) !== undefined,
  );
  for (const container of containers) {
    if (container.role === 'main') break;
    const latest = latestOf(input.observed, container.spec.name);
    if (container.role === 'init') {
      if (mainBegan || (latest?.state === 'exited' && latest.exitCode === 0)) continue;
      planContainer(input, everything, container, draft);
      return false;
    }
    planContainer(input, everything, container, draft);
    const started = latest?.state === 'running' && input.started.has(latest.id);
    if (!started && !mainBegan) return false;
  }
  return true;
}

/** Starts a container that never ran in this sandbox, or restarts one that ended, when its time has come. */
function planContainer(input: PlanInput, everything: ObservedPod, container: ShapedContainer, draft: Draft): void {
  const latest = latestOf(input.observed, container.spec.name);
  if (latest === undefined) {
    startNow(input, everything, container, draft);
    return;
  }
  if (latest.state === 'created') {
    // The agent went away between creating and starting it: nobody knows why, so make a new one.
    draft.actions.push({ kind: 'remove-container', containerId: latest.id });
    draft.wakeAt(input.nowMs);
    return;
  }
  if (latest.state !== 'exited' || !mayRestart(container, input.pod.spec?.restartPolicy, latest.exitCode)) return;
  const next = nextAttempt(latest);
  if (input.nowMs < next.notBeforeMs) {
    draft.backingOff.set(container.spec.name, { delayMs: next.delayMs, untilMs: next.notBeforeMs });
    draft.wakeAt(next.notBeforeMs);
    return;
  }
  if (waitsForRetry(input, container, draft)) return;
  draft.actions.push({
    kind: 'start-container',
    container,
    attempt: latest.attempt + 1,
    delayAfterMs: next.delayAfterNextMs,
    delayedMs: next.delayMs,
  });
}

function startNow(input: PlanInput, everything: ObservedPod, container: ShapedContainer, draft: Draft): void {
  if (waitsForRetry(input, container, draft)) return;
  const before = latestOf(everything, container.spec.name);
  draft.actions.push({
    kind: 'start-container',
    container,
    attempt: before === undefined ? attemptAfterLoss(input.pod, container.spec.name) : before.attempt + 1,
    delayAfterMs: before === undefined ? 0 : before.restartDelayMs,
    delayedMs: 0,
  });
}

/** The runtime may have lost containers (a reboot): restarts are then counted on from what was reported. */
function attemptAfterLoss(pod: Pod, name: string): number {
  const reported = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].find(
    (status) => status.name === name,
  );
  return reported?.containerID === undefined || reported.containerID === '' ? 0 : reported.restartCount + 1;
}

function waitsForRetry(input: PlanInput, container: ShapedContainer, draft: Draft): boolean {
  const retryAtMs = input.retryAt.get(container.spec.name);
  if (retryAtMs === undefined || retryAtMs <= input.nowMs) return false;
  draft.wakeAt(retryAtMs);
  return true;
}

/** Keeps of each container its latest attempt and one before it, whose logs `kubectl logs --previous` shows. */
function collectGarbage(input: PlanInput, draft: Draft): void {
  const seen = new Map<string, number>();
  for (const container of input.observed.containers) {
    const newer = seen.get(container.name) ?? 0;
    seen.set(container.name, newer + 1);
    if (newer >= 2 && container.state === 'exited') draft.actions.push({ kind: 'remove-container', containerId: container.id });
  }
}
