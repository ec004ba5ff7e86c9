import type { ContainerStatusRequest, ContainerStatusResponse, Draft } from '@bayplan/rpc';
import { describeContainerStatus } from '../describe.ts';
import { containerOf } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';

/** A container's state; verbose adds its process id, cgroup and bundle. */
export function containerStatus(runtime: Runtime, request: ContainerStatusRequest): Draft<ContainerStatusResponse> {
  const record = containerOf(runtime, request.containerId);
  const { init, cgroupPath, sandboxId } = record;
  const info = { pid: init?.pid, cgroupPath, sandboxID: sandboxId, bundle: runtime.layout.bundle(record.id) };
  return { status: describeContainerStatus(record), info: request.verbose ? { info: JSON.stringify(info) } : {} };
}
