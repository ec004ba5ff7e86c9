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
    await Promise.all(containersIn(runtime, record.id).map((container) => stopNow(runtime, container)));
    await dismantleSandbox(runtime, record);
    record.phase = 'notready';
    record.pause = undefined;
    await runtime.sandboxes.save(record);
  });
}
