import { RpcError } from '@bayplan/rpc';
import type { LinuxContainerResources, UpdateContainerResourcesRequest } from '@bayplan/rpc';
import { containerOf } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { ociLimits } from '../spec/resources.ts';

/** Changes the limits of a created or running container. Numbers that are zero stay as they are. */
export async function updateContainerResources(runtime: Runtime, request: UpdateContainerResourcesRequest): Promise<void> {
  const record = containerOf(runtime, request.containerId);
  const wanted = request.linux;
  if (wanted === undefined) return;
  await runtime.locks.run(record.id, async () => {
    if (record.phase === 'exited') throw new RpcError('FAILED_PRECONDITION', `Container ${record.id} has exited`);
    const args = [`--root=${runtime.layout.runtimeState}`, 'update', '--resources=-', record.id];
    const result = await runtime.host.run(record.runtime, args, { stdin: JSON.stringify(ociLimits(wanted)) });
    if (result.exitCode !== 0) throw new RpcError('UNKNOWN', `Cannot change limits: ${result.stderr.toString().trim()}`);
    record.resources = merge(record.resources, wanted);
    await runtime.containers.save(record);
  });
}

function merge(before: LinuxContainerResources | undefined, change: LinuxContainerResources): LinuxContainerResources {
  if (before === undefined) return change;
  const set = Object.entries(change).filter(([, value]) => value !== 0 && value !== '' && !(Array.isArray(value) && value.length === 0));
  return { ...before, ...Object.fromEntries(set), unified: { ...before.unified, ...change.unified } };
}
