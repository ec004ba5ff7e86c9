import type { ContainerStatus } from '@bayplan/api';
import type { ContainerRole } from '../pods/pod-shape.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export interface PhaseContainer {
  readonly role: ContainerRole;
  readonly status: ContainerStatus;
}

/**
 * The phase that follows from the containers. Pure.
 *
 * | containers | phase |
 * | --- | --- |
 * | an init container failed for good | Failed |
 * | init containers not done, or a regular one never ran | Pending |
 * | a regular one (or a sidecar) runs | Running |
 * | all ended, and will not be restarted: all with code 0 | Succeeded |
 * | ... not all with code 0 | Failed |
 * | all ended, one will be restarted | Running |
 */
export function podPhase(containers: readonly PhaseContainer[], restartPolicy: string | undefined, podEnded: boolean): PodPhase {
  const inits = containers.filter((one) => one.role === 'init');
  const mains = containers.filter((one) => one.role === 'main');
  const sidecarRuns = containers.some((one) => one.role === 'sidecar' && one.status.state?.running !== undefined);
  const failed = (status: ContainerStatus): boolean => status.state?.terminated !== undefined && status.state.terminated.exitCode !== 0;
  const mainBegan = mains.some((one) => one.status.state?.waiting === undefined || one.status.lastState?.terminated !== undefined);

  if (inits.some((one) => failed(one.status)) && (restartPolicy === 'Never' || podEnded)) return sidecarRuns ? 'Pending' : 'Failed';
  if (!mainBegan && !podEnded) return 'Pending';
  const neverRan = mains.some((one) => one.status.state?.waiting !== undefined && one.status.lastState?.terminated === undefined);
  const runs = sidecarRuns || mains.some((one) => one.status.state?.running !== undefined);
  // A final phase tells others that nothing of the pod runs any more.
  if (neverRan) return !podEnded ? 'Pending' : runs ? 'Running' : 'Failed';
  if (runs) return 'Running';
  const allSucceeded = mains.every((one) => (one.status.state?.terminated ?? one.status.lastState?.terminated)?.exitCode === 0);
  if (podEnded) return allSucceeded ? 'Succeeded' : 'Failed';
  switch (restartPolicy) {
    case 'Never':
      return allSucceeded ? 'Succeeded' : 'Failed';
    case 'OnFailure':
      return allSucceeded ? 'Succeeded' : 'Running';
    default:
      return 'Running';
  }
}
