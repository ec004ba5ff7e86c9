import type { Pod } from '@bayplan/api';
import { rpcCodeOf } from '@bayplan/rpc';
import { runHook } from '../lifecycle/hooks.ts';
import type { KillReason } from './plan.ts';
import type { ObservedContainer, ObservedPod } from './observed.ts';
import { podEvent } from './pod-context.ts';
import type { PodContext } from './pod-context.ts';
import { containersOf } from './pod-shape.ts';
import type { ShapedContainer } from './pod-shape.ts';

/** A container always gets this long after its preStop hook. Source: documented behaviour of pod termination. */
const leastGraceSeconds = 2;
const stopSlackMs = 30_000;

/** What the `Killing` event says. */
export function killMessage(name: string, why: KillReason | 'deleted'): string {
  switch (why) {
    case 'liveness':
      return `Container ${name} failed liveness probe, will be restarted`;
    case 'startup':
      return `Container ${name} failed startup probe, will be restarted`;
    case 'definition-changed':
      return `Container ${name} definition changed, will be restarted`;
    default:
      return `Stopping container ${name}`;
  }
}

/** Stops one container: its preStop hook, then its stop signal, and SIGKILL when the time is over. */
export async function killContainer(
  context: PodContext,
  pod: Pod,
  observed: ObservedContainer,
  container: ShapedContainer | undefined,
  why: KillReason | 'deleted',
  graceSeconds: number,
  podIp: string,
  signal: AbortSignal,
): Promise<void> {
  podEvent(context, pod, 'Normal', 'Killing', killMessage(observed.name, why), container?.fieldPath ?? `spec.containers{${observed.name}}`);
  const begunMs = context.clock.monotonic();
  const hook = container?.spec.lifecycle?.preStop;
  if (hook !== undefined && graceSeconds > 0 && observed.state === 'running') {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(graceSeconds * 1000)]);
    try {
      await runHook(
        hook,
        { container: container?.spec ?? { name: observed.name }, containerId: observed.id, podIp },
        context,
        graceSeconds * 1000,
        limit,
      );
    } catch (error) {
      if (signal.aborted) throw error;
      podEvent(context, pod, 'Warning', 'FailedPreStopHook', 'PreStopHook failed', container?.fieldPath);
      context.logger.debug('A preStop hook failed', {
        pod: pod.metadata.name,
        namespace: pod.metadata.namespace,
        container: observed.name,
        err: error,
      });
    }
  }
  const left = Math.ceil(graceSeconds - (context.clock.monotonic() - begunMs) / 1000);
  const timeout = hook === undefined ? graceSeconds : Math.max(Math.min(leastGraceSeconds, graceSeconds), left);
  await ignoringAbsence(
    context.runtime.operation('stop_container', () =>
      context.runtime.cri.runtime.stopContainer(
        { containerId: observed.id, timeout },
        { signal, deadlineMs: timeout * 1000 + stopSlackMs },
      ),
    ),
  );
}

/** Stops everything that runs in a pod: regular containers together, then sidecars from last to first. */
export async function stopPod(
  context: PodContext,
  pod: Pod,
  observed: ObservedPod,
  graceSeconds: number,
  podIp: string,
  signal: AbortSignal,
): Promise<void> {
  const shapes = containersOf(pod);
  const begunMs = context.clock.monotonic();
  const alive = observed.containers.filter((one) => one.state === 'running' || one.state === 'unknown');
  const shapeOf = (one: ObservedContainer): ShapedContainer | undefined => shapes.find((shape) => shape.spec.name === one.name);
  const sidecars = alive.filter((one) => shapeOf(one)?.role === 'sidecar');
  const rest = alive.filter((one) => !sidecars.includes(one));
  await Promise.all(rest.map((one) => killContainer(context, pod, one, shapeOf(one), 'deleted', graceSeconds, podIp, signal)));
  const order = shapes.map((shape) => shape.spec.name);
  for (const one of sidecars.toSorted((a, b) => order.indexOf(b.name) - order.indexOf(a.name))) {
    const left = Math.max(0, Math.ceil(graceSeconds - (context.clock.monotonic() - begunMs) / 1000));
    await killContainer(
      context,
      pod,
      one,
      shapeOf(one),
      'deleted',
      Math.max(Math.min(leastGraceSeconds, graceSeconds), left),
      podIp,
      signal,
    );
  }
}

/** Stops a sandbox: its network goes, and whatever still runs in it. */
export async function stopSandbox(context: PodContext, sandboxId: string, signal: AbortSignal): Promise<void> {
  await ignoringAbsence(
    context.runtime.operation('stop_podsandbox', () => context.runtime.cri.runtime.stopPodSandbox({ podSandboxId: sandboxId }, { signal })),
  );
}

export async function removeContainer(context: PodContext, containerId: string, signal: AbortSignal): Promise<void> {
  await ignoringAbsence(
    context.runtime.operation('remove_container', () => context.runtime.cri.runtime.removeContainer({ containerId }, { signal })),
  );
  context.runtime.forget(containerId);
}

/** Removes everything that the runtime has of a pod whose containers have stopped. */
export async function removeFromRuntime(context: PodContext, observed: ObservedPod, signal: AbortSignal): Promise<void> {
  for (const sandbox of observed.sandboxes) await stopSandbox(context, sandbox.id, signal);
  for (const container of observed.containers) await removeContainer(context, container.id, signal);
  for (const sandbox of observed.sandboxes) {
    await ignoringAbsence(
      context.runtime.operation('remove_podsandbox', () =>
        context.runtime.cri.runtime.removePodSandbox({ podSandboxId: sandbox.id }, { signal }),
      ),
    );
    context.runtime.forget(sandbox.id);
  }
}

async function ignoringAbsence(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (rpcCodeOf(error) !== 'NOT_FOUND') throw error;
  }
}
