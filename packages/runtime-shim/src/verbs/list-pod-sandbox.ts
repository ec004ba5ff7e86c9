import type { Draft, PodSandbox, PodSandboxFilter } from '@bayplan/rpc';
import { describeSandbox, matchesLabels, sandboxState } from '../describe.ts';
import type { Runtime } from '../runtime.ts';

/** The sandboxes that pass every part of the filter; those still being made are left out. */
export function listPodSandbox(runtime: Runtime, filter: PodSandboxFilter | undefined): Draft<PodSandbox>[] {
  const one = filter?.id ? runtime.sandboxes.find(filter.id) : undefined;
  const candidates = filter?.id ? (one ? [one] : []) : runtime.sandboxes.all();
  return candidates
    .filter((record) => record.phase !== 'creating')
    .filter((record) => filter?.state === undefined || sandboxState(record) === filter.state.state)
    .filter((record) => matchesLabels(record.config.labels, filter?.labelSelector ?? {}))
    .map(describeSandbox);
}
