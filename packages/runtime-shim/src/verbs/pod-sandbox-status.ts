import type { Draft, PodSandboxStatusRequest, PodSandboxStatusResponse } from '@bayplan/rpc';
import { describeContainerStatus, describeSandboxStatus } from '../describe.ts';
import { containersIn, nowNanos, sandboxOf } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { sandboxParts } from '../sandbox-setup.ts';

/** A sandbox's state with that of its containers; verbose adds where its parts are. */
export function podSandboxStatus(runtime: Runtime, request: PodSandboxStatusRequest): Draft<PodSandboxStatusResponse> {
  const record = sandboxOf(runtime, request.podSandboxId);
  return {
    status: describeSandboxStatus(record),
    info: request.verbose ? { parts: JSON.stringify(sandboxParts(runtime, record)) } : {},
    containersStatuses: containersIn(runtime, record.id)
      .filter((container) => container.phase !== 'creating')
      .map(describeContainerStatus),
    timestamp: nowNanos(runtime),
  };
}
