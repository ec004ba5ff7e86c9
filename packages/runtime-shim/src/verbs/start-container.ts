import { RpcError } from '@bayplan/rpc';
import { startLock } from '../container-lifecycle.ts';
import { containerOf, nowNanos, publishEvent } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import type { ContainerRecord } from '../state/records.ts';

/** Lets a created container run. Repeating it for a running container does nothing. */
export async function startContainer(runtime: Runtime, containerId: string): Promise<void> {
  const record = containerOf(runtime, containerId);
  const fault = await runtime.locks.run(startLock(record.id), () => start(runtime, record));
  if (fault === undefined) return;
  // The runtime gave the container up; once it is dead its exit file marks the record.
  if (record.init !== undefined) runtime.host.signal(record.init.pid, 'SIGKILL');
  await runtime.exits.wait(record.id, 5_000);
  throw new RpcError('UNKNOWN', `Cannot start the container: ${fault}`);
}

async function start(runtime: Runtime, record: ContainerRecord): Promise<string | undefined> {
  if (record.phase === 'running') return undefined;
  if (record.phase !== 'created') throw new RpcError('FAILED_PRECONDITION', `Container ${record.id} is ${record.phase}, not created`);
  record.startedAt = nowNanos(runtime);
  const result = await runtime.host.run(record.runtime, [`--root=${runtime.layout.runtimeState}`, 'start', record.id]);
  if (result.exitCode !== 0) {
    record.startedAt = 0;
    record.message = result.stderr.toString().trim();
    return record.message;
  }
  record.phase = 'running';
  await runtime.containers.save(record);
  publishEvent(runtime, 'CONTAINER_STARTED_EVENT', record.id);
  return undefined;
}
