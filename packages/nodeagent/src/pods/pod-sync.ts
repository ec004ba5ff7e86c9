import type { Pod } from '@bayplan/api';
import { qosClassOf } from '../runtime/qos.ts';
import { podStatus } from '../status/pod-status.ts';
import type { WaitingReason } from '../status/container-status.ts';
import { VolumeError } from '../volumes/volume-error.ts';
import { currentSandbox } from './observed.ts';
import type { ObservedPod } from './observed.ts';
import { planPod } from './plan.ts';
import type { PodAction, PodPlan } from './plan.ts';
import { fieldSurroundings, podEvent } from './pod-context.ts';
import type { PodContext } from './pod-context.ts';
import { noteRetry } from './pod-memory.ts';
import type { PodMemory } from './pod-memory.ts';
import { containersOf, describePod, isTerminal } from './pod-shape.ts';
import { createSandbox, podIps, runPostStart, startContainer } from './pod-starter.ts';
import { killContainer, removeContainer, stopPod, stopSandbox } from './pod-stopper.ts';
import { isPullFailure, recordFailure, showsPullErrorMs, StartFailure, waitingFor } from './start-failure.ts';
import { terminationMessage } from './termination-message.ts';

/** A plan and its application usually end within three rounds; more than this means that they do not agree. */
const mostRounds = 50;

const emptyPlan: PodPlan = { actions: [], wakeAtMs: undefined, backingOff: new Map(), finished: false };

/**
 * Brings a wanted pod closer to its specification: observe, plan, act, until the plan is empty or has to
 * wait. Returns when to come back, in milliseconds since the epoch.
 */
export async function syncPod(context: PodContext, pod: Pod, memory: PodMemory, signal: AbortSignal): Promise<number | undefined> {
  const { clock } = context;
  const uid = pod.metadata.uid ?? '';
  if (isTerminal(pod)) {
    await release(context, pod, memory, signal);
    return undefined;
  }
  let observed = await context.runtime.observe(uid, signal);
  if (memory.status === undefined) report(context, pod, memory, observed, emptyPlan);
  let plan = emptyPlan;
  for (let round = 0; round < mostRounds; round++) {
    await collectMessages(context, pod, memory, observed);
    plan = makePlan(context, pod, memory, observed);
    announceBackoffs(context, pod, memory, observed, plan);
    if (plan.actions.length === 0) break;
    if (memory.retry !== undefined && clock.now() < memory.retry.atMs) break;
    const succeeded = await act(context, pod, memory, observed, plan, signal);
    observed = await context.runtime.observe(uid, signal);
    if (!succeeded) break;
    memory.retry = undefined;
  }
  await collectMessages(context, pod, memory, observed);
  plan = makePlan(context, pod, memory, observed);
  report(context, pod, memory, observed, plan);
  measureStart(context, pod, memory, observed);
  if (plan.finished && plan.actions.length === 0 && !memory.released) await release(context, pod, memory, signal);
  return wakeTime(context, pod, memory, plan);
}

function makePlan(context: PodContext, pod: Pod, memory: PodMemory, observed: ObservedPod): PodPlan {
  const nowMs = context.clock.now();
  const deadline = deadlineOf(pod, memory);
  const deadlineExceeded = deadline !== undefined && nowMs >= deadline;
  if (deadlineExceeded && memory.verdict === undefined) {
    memory.verdict = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };
    podEvent(context, pod, 'Normal', memory.verdict.reason, memory.verdict.message);
  }
  const ips = podIps(context, pod, currentSandbox(observed));
  const probes = context.probes.update(pod, observed, ips[0] ?? '', memory.earlier);
  const retryAt = new Map([...memory.failures].map(([name, failure]) => [name, failure.retryAtMs]));
  return planPod({ pod, observed, nowMs, unhealthy: probes.unhealthy, started: probes.started, retryAt, deadlineExceeded });
}

function deadlineOf(pod: Pod, memory: PodMemory): number | undefined {
  const seconds = pod.spec?.activeDeadlineSeconds;
  const start = memory.status?.startTime;
  return seconds === undefined || start === undefined ? undefined : Date.parse(start) + seconds * 1000;
}

/** Applies a plan; false when the pod as a whole has to wait before the next try. */
async function act(
  context: PodContext,
  pod: Pod,
  memory: PodMemory,
  observed: ObservedPod,
  plan: PodPlan,
  signal: AbortSignal,
): Promise<boolean> {
  const ips = podIps(context, pod, currentSandbox(observed));
  const kills = plan.actions.filter((action) => action.kind === 'kill-container');
  await Promise.all(
    kills.map((kill) =>
      killContainer(context, pod, kill.observed, kill.container, kill.why, killGraceSeconds(pod, kill), ips[0] ?? '', signal),
    ),
  );
  const creates = plan.actions.some((action) => action.kind === 'create-sandbox' || action.kind === 'start-container');
  const volumes = creates ? await setUpVolumes(context, pod, memory, ips, signal) : new Map<string, string>();
  if (volumes === undefined) return false;
  for (const action of plan.actions) {
    switch (action.kind) {
      case 'kill-container':
        break;
      case 'remove-container':
        await removeContainer(context, action.containerId, signal);
        break;
      case 'stop-sandbox':
        if (action.why === 'replaced')
          podEvent(context, pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
        await stopSandbox(context, action.sandboxId, signal);
        break;
      case 'create-sandbox':
        if (!(await tryCreateSandbox(context, pod, memory, action.attempt, signal))) return false;
        break;
      case 'start-container':
        await tryStart(context, pod, memory, action, observed, volumes, ips[0] ?? '', signal);
        break;
    }
  }
  return true;
}

function killGraceSeconds(pod: Pod, kill: Extract<PodAction, { kind: 'kill-container' }>): number {
  const whole = pod.spec?.terminationGracePeriodSeconds ?? 30;
  const spec = kill.container?.spec;
  const own =
    kill.why === 'liveness'
      ? spec?.livenessProbe?.terminationGracePeriodSeconds
      : kill.why === 'startup'
        ? spec?.startupProbe?.terminationGracePeriodSeconds
        : undefined;
  return own ?? whole;
}

async function setUpVolumes(
  context: PodContext,
  pod: Pod,
  memory: PodMemory,
  ips: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    return await context.volumes.setUp(pod, fieldSurroundings(context, ips), signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof VolumeError)) throw error;
    podEvent(context, pod, 'Warning', 'FailedMount', error.eventMessage);
    noteRetry(memory, context.clock.now());
    return undefined;
  }
}

async function tryCreateSandbox(context: PodContext, pod: Pod, memory: PodMemory, attempt: number, signal: AbortSignal): Promise<boolean> {
  try {
    await context.starts.run(() => createSandbox(context, pod, attempt), signal);
    return true;
  } catch (error) {
    if (signal.aborted) throw error;
    const problem = error instanceof Error ? error.message : String(error);
    podEvent(context, pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${problem}`);
    context.logger.warn('Failed to create a pod sandbox', { pod: pod.metadata.name, namespace: pod.metadata.namespace, err: error });
    noteRetry(memory, context.clock.now());
    return false;
  }
}

async function tryStart(
  context: PodContext,
  pod: Pod,
  memory: PodMemory,
  action: Extract<PodAction, { kind: 'start-container' }>,
  observed: ObservedPod,
  volumes: ReadonlyMap<string, string>,
  podIp: string,
  signal: AbortSignal,
): Promise<void> {
  const { name, image = '' } = action.container.spec;
  try {
    const containerId = await startContainer(context, pod, action, observed, volumes, signal);
    try {
      await runPostStart(context, pod, action, containerId, podIp, signal);
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      const fresh = await context.runtime.observe(pod.metadata.uid ?? '', signal);
      const started = fresh.containers.find((one) => one.id === containerId);
      if (started !== undefined)
        await killContainer(
          context,
          pod,
          started,
          action.container,
          'restart-pod',
          pod.spec?.terminationGracePeriodSeconds ?? 30,
          podIp,
          signal,
        );
      throw error;
    }
    memory.failures.delete(name);
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    memory.failures.set(name, recordFailure(memory.failures.get(name), error.reason, error.message, image, context.clock.now()));
  }
}

async function collectMessages(context: PodContext, pod: Pod, memory: PodMemory, observed: ObservedPod): Promise<void> {
  for (const ended of observed.containers) {
    if (ended.state !== 'exited' || memory.terminationMessages.has(ended.id)) continue;
    const spec = containersOf(pod).find((one) => one.spec.name === ended.name)?.spec;
    const message = await terminationMessage(context, pod, spec, ended);
    memory.terminationMessages.set(ended.id, message === '' ? ended.message : message);
  }
  for (const id of memory.terminationMessages.keys())
    if (!observed.containers.some((one) => one.id === id)) memory.terminationMessages.delete(id);
}

/** Says once for each wait that it has begun. */
function announceBackoffs(context: PodContext, pod: Pod, memory: PodMemory, observed: ObservedPod, plan: PodPlan): void {
  const announce = (key: string, containerName: string, message: string): void => {
    if (memory.announced.has(key)) return;
    memory.announced.add(key);
    const fieldPath = containersOf(pod).find((one) => one.spec.name === containerName)?.fieldPath;
    podEvent(context, pod, message.startsWith('Back-off pulling') ? 'Normal' : 'Warning', 'BackOff', message, fieldPath);
    if (message.startsWith('Back-off pulling')) podEvent(context, pod, 'Warning', 'Failed', 'Error: ImagePullBackOff', fieldPath);
  };
  const current = new Set<string>();
  for (const name of plan.backingOff.keys()) {
    const ended = observed.containers.find((one) => one.name === name);
    if (ended === undefined) continue;
    current.add(ended.id);
    announce(ended.id, name, `Back-off restarting failed container ${name} in pod ${describePod(pod)}`);
  }
  const nowMs = context.clock.now();
  for (const [name, failure] of memory.failures) {
    const key = `${name}/${String(failure.atMs)}`;
    current.add(key);
    if (failure.reason === 'ErrImagePull' && nowMs >= failure.atMs + showsPullErrorMs)
      announce(key, name, `Back-off pulling image "${failure.image}"`);
  }
  for (const key of memory.announced) if (!current.has(key)) memory.announced.delete(key);
}

/** Computes and hands over the pod's status. */
export function report(
  context: PodContext,
  pod: Pod,
  memory: PodMemory,
  observed: ObservedPod,
  plan: Pick<PodPlan, 'backingOff' | 'finished' | 'actions'>,
  ended = plan.finished && plan.actions.length === 0,
): void {
  const nowMs = context.clock.now();
  const probes = context.probes.results(pod.metadata.uid ?? '');
  const waiting = new Map<string, WaitingReason>([...memory.failures].map(([name, failure]) => [name, waitingFor(failure, nowMs)]));
  const status = podStatus({
    pod,
    observed,
    previous: memory.status,
    waiting,
    backingOff: plan.backingOff,
    ready: probes.ready,
    started: probes.started,
    terminationMessages: memory.terminationMessages,
    runtimeName: context.runtimeName,
    hostIp: context.hostIp,
    nowMs,
    podEnded: ended,
    verdict: memory.verdict,
  });
  memory.status = status;
  context.statuses.report(pod, status);
}

function measureStart(context: PodContext, pod: Pod, memory: PodMemory, observed: ObservedPod): void {
  if (memory.seenAtMs === undefined) return;
  const started = (pod.spec?.containers ?? []).every((container) =>
    observed.containers.some((one) => one.name === container.name && one.startedAtMs > 0),
  );
  if (!started) return;
  context.metrics.podStartSeconds.observe((context.clock.now() - memory.seenAtMs) / 1000);
  memory.seenAtMs = undefined;
}

/** Gives back what a finished pod no longer needs. Its containers stay, for their logs. */
async function release(context: PodContext, pod: Pod, memory: PodMemory, signal: AbortSignal): Promise<void> {
  if (memory.released) return;
  const uid = pod.metadata.uid ?? '';
  context.probes.remove(uid);
  const observed = await context.runtime.observe(uid, signal);
  await stopPod(
    context,
    pod,
    observed,
    pod.spec?.terminationGracePeriodSeconds ?? 30,
    podIps(context, pod, currentSandbox(observed))[0] ?? '',
    signal,
  );
  for (const sandbox of observed.sandboxes) if (sandbox.ready) await stopSandbox(context, sandbox.id, signal);
  await context.volumes.tearDown(uid, false);
  await context.cgroups.remove(qosClassOf(pod), uid);
  memory.released = true;
}

function wakeTime(context: PodContext, pod: Pod, memory: PodMemory, plan: PodPlan): number | undefined {
  const times: number[] = [];
  if (plan.wakeAtMs !== undefined) times.push(plan.wakeAtMs);
  if (plan.actions.length > 0) times.push(memory.retry?.atMs ?? context.clock.now() + 1_000);
  const deadline = deadlineOf(pod, memory);
  if (deadline !== undefined && memory.verdict === undefined && !plan.finished) times.push(deadline);
  const nowMs = context.clock.now();
  for (const failure of memory.failures.values())
    if (isPullFailure(failure) && nowMs < failure.atMs + showsPullErrorMs) times.push(failure.atMs + showsPullErrorMs);
  return times.length === 0 ? undefined : Math.min(...times);
}
