import { destroyContainer, releaseContainer } from '../container-lifecycle.ts';
import { publishEvent } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { stopNow } from './stop-container.ts';

/** Ends a container if needed and removes all of it but its log. An unknown container counts as removed. */
export async function removeContainer(runtime: Runtime, containerId: string): Promise<void> {
  const record = runtime.containers.find(containerId);
  if (record === undefined) return;
  await runtime.locks.run(record.id, async () => {
    if (runtime.containers.get(record.id) === undefined) return;
    await stopNow(runtime, record);
    await releaseContainer(runtime, record);
    await destroyContainer(runtime, record);
    await runtime.containers.remove(record.id);
    publishEvent(runtime, 'CONTAINER_DELETED_EVENT', record.id);
  });
}
