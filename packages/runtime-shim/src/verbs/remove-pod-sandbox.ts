import { removeIfEmpty } from '../cgroup-folders.ts';
import { containersIn, podCgroup } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { removeContainer } from './remove-container.ts';
import { stopPodSandbox } from './stop-pod-sandbox.ts';

/** Stops a sandbox if needed and removes it with all its containers. An unknown sandbox counts as removed. */
export async function removePodSandbox(runtime: Runtime, sandboxId: string): Promise<void> {
  const record = runtime.sandboxes.find(sandboxId);
  if (record === undefined) return;
  await stopPodSandbox(runtime, record.id);
  await Promise.all(containersIn(runtime, record.id).map((container) => removeContainer(runtime, container.id)));
  await runtime.locks.run(record.id, async () => {
    await removeIfEmpty(record.ownHierarchies, podCgroup(record.config));
    await runtime.sandboxes.remove(record.id);
  });
}
