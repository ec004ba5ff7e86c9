import type { Container, ContainerFilter, Draft } from '@bayplan/rpc';
import { containerState, describeContainer, matchesLabels } from '../describe.ts';
import type { Runtime } from '../runtime.ts';

/** The containers that pass every part of the filter; those still being made are left out. */
export function listContainers(runtime: Runtime, filter: ContainerFilter | undefined): Draft<Container>[] {
  const one = filter?.id ? runtime.containers.find(filter.id) : undefined;
  const candidates = filter?.id ? (one ? [one] : []) : runtime.containers.all();
  return candidates
    .filter((record) => record.phase !== 'creating')
    .filter((record) => filter?.state === undefined || containerState(record) === filter.state.state)
    .filter((record) => !filter?.podSandboxId || record.sandboxId.startsWith(filter.podSandboxId))
    .filter((record) => matchesLabels(record.config.labels, filter?.labelSelector ?? {}))
    .map(describeContainer);
}
