import { isNotFound, isConflict, resources } from '@bayplan/api';
import type { Pod } from '@bayplan/api';
import { rm } from 'node:fs/promises';
import { qosClassOf } from '../runtime/qos.ts';
import { podLogDirectory } from '../runtime/sandbox-config.ts';
import { currentSandbox } from './observed.ts';
import type { PodContext } from './pod-context.ts';
import type { PodMemory } from './pod-memory.ts';
import { isTerminal } from './pod-shape.ts';
import { podIps } from './pod-starter.ts';
import { removeFromRuntime, stopPod } from './pod-stopper.ts';
import { report } from './pod-sync.ts';

const defaultGraceSeconds = 30;
/** A container that must go in no time gets this long, as SIGKILL alone would lose its last output. */
const leastGraceSeconds = 1;

/**
 * Ends a pod that is being deleted, and removes every trace of it: containers, sandbox, volumes,
 * cgroup, logs, and last the API object.
 *
 * @param removed the API object is gone already.
 */
export async function terminatePod(context: PodContext, pod: Pod, memory: PodMemory, removed: boolean, signal: AbortSignal): Promise<void> {
  const uid = pod.metadata.uid ?? '';
  const wanted = pod.metadata.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds;
  const graceSeconds = Math.max(leastGraceSeconds, wanted);
  // Nothing may be restarted any more, and an ending container failing its probes is no news.
  context.probes.remove(uid);
  let observed = await context.runtime.observe(uid, signal);
  while (observed.containers.some((one) => one.state === 'running' || one.state === 'unknown')) {
    await stopPod(context, pod, observed, graceSeconds, podIps(context, pod, currentSandbox(observed))[0] ?? '', signal);
    observed = await context.runtime.observe(uid, signal);
  }
  if (!removed && !isTerminal(pod)) report(context, pod, memory, observed, { backingOff: new Map(), finished: true, actions: [] }, true);
  await removeFromRuntime(context, observed, signal);
  await removeFromNode(context, pod, uid);
  if (removed) return;
  await context.statuses.flush(uid);
  try {
    const key = { namespace: pod.metadata.namespace, name: pod.metadata.name ?? '' };
    await context.client.delete(resources.pods, key, { gracePeriodSeconds: 0, preconditions: { uid }, signal });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

/** Removes what the agent itself made for a pod. */
export async function removeFromNode(context: PodContext, pod: Pod, uid: string): Promise<void> {
  await context.volumes.tearDown(uid, true);
  await context.cgroups.remove(qosClassOf(pod), uid);
  await rm(podLogDirectory(context.podLogsDir, pod), { recursive: true, force: true });
}
