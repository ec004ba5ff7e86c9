import { dismantleSandbox } from '../sandbox-setup.ts';
import { containersIn } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { stopNow } from './stop-container.ts';

/** Ends every container of a pod at once and frees its network and namespaces. An unknown sandbox counts as stopped. */
export async function stopPodSandbox(runtime: Runtime, sandboxId: string): Promise<void> {
  const record = runtime.sandboxes.find(sandboxId);
  if (record === undefined) return;
  await runtime.locks.run(record.id, async () => {
    if (record.phase === 'notready') return;
    record.phase = 'stopping';
    await runtime.sandboxes.save(record);
    await Promise.all(containersIn(runtime, record.id).map((container) => stopNow(runtime, container)));
    await dismantleSandbox(runtime, record);
    record.phase = 'notready';
    record.pause = undefined;
    await runtime.sandboxes.save(record);
  });
}

/** Finishes what an earlier process had begun to stop. Failures are logged: the agent asks again. */
export async function finishStopping(runtime: Runtime): Promise<void> {
  for (const { id } of runtime.sandboxes.all().filter((record) => record.phase === 'stopping')) {
    await stopPodSandbox(runtime, id).catch((err: unknown) =>
      runtime.logger.error('Failed to finish stopping a sandbox', { sandboxId: id, err }),
    );
  }
}
