import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { RuntimePod } from '../runtime/pod-runtime.ts';
import type { PodContext } from './pod-context.ts';
import { removeFromRuntime } from './pod-stopper.ts';

/** More than this the runtime may take to answer that a container has stopped. */
const stopSlackMs = 30_000;

/**
 * Removes what belongs to pods that the API server does not know any more: their containers, volumes,
 * cgroups and logs.
 *
 * @param present what the runtime has.
 * @param wanted whether a pod is still known.
 */
export async function cleanOrphans(context: PodContext, present: readonly RuntimePod[], wanted: (uid: string) => boolean): Promise<void> {
  const { logger, signal } = context;
  for (const pod of present) {
    if (wanted(pod.uid)) continue;
    try {
      await removeOrphan(context, pod);
      logger.info('Removed an orphaned pod', { pod: pod.name, namespace: pod.namespace, uid: pod.uid });
    } catch (error) {
      if (signal.aborted) return;
      logger.warn('Failed to remove an orphaned pod', { pod: pod.name, namespace: pod.namespace, uid: pod.uid, err: error });
    }
  }
  const stillThere = new Set(present.map((pod) => pod.uid));
  const gone = (uid: string): boolean => !wanted(uid) && !stillThere.has(uid);
  // A mount or cgroup that is still in use is tried again; it must not hold up the others, nor the caller.
  const attempt = async (uid: string, work: () => Promise<void>): Promise<void> => {
    await work().catch((err: unknown) => {
      if (!signal.aborted) logger.warn('Failed to remove what an orphaned pod has left', { uid, err });
    });
  };
  for (const uid of await context.volumes.list()) if (gone(uid)) await attempt(uid, () => context.volumes.tearDown(uid, true));
  for (const { qos, uid } of await context.cgroups.list()) if (gone(uid)) await attempt(uid, () => context.cgroups.remove(qos, uid));
}

async function removeOrphan(context: PodContext, pod: RuntimePod): Promise<void> {
  const { runtime, signal } = context;
  const observed = await runtime.observe(pod.uid, signal);
  const running = observed.containers.filter((one) => one.state === 'running' || one.state === 'unknown');
  await Promise.all(
    running.map((one) =>
      runtime.operation('stop_container', () =>
        runtime.cri.runtime.stopContainer(
          { containerId: one.id, timeout: one.gracePeriodSeconds },
          { signal, deadlineMs: one.gracePeriodSeconds * 1000 + stopSlackMs },
        ),
      ),
    ),
  );
  await removeFromRuntime(context, observed, signal);
  await context.volumes.tearDown(pod.uid, true);
  for (const { qos, uid } of await context.cgroups.list()) if (uid === pod.uid) await context.cgroups.remove(qos, uid);
  await rm(path.join(context.podLogsDir, `${pod.namespace}_${pod.name}_${pod.uid}`), { recursive: true, force: true });
}
