import type { ContainerStatus, ContainerStateTerminated, Pod } from '../generated/types.ts';
import { parseTime } from '../time.ts';

/** What `kubectl get pods` sums a pod up to. */
export interface PodSummary {
  readonly status: string;
  readonly ready: number;
  readonly total: number;
  readonly restarts: number;
  /** Epoch milliseconds of the last end of a container that was restarted. */
  readonly lastRestart: number | undefined;
}

function endText(terminated: ContainerStateTerminated): string {
  if (terminated.reason) return terminated.reason;
  return terminated.signal ? `Signal:${terminated.signal.toString()}` : `ExitCode:${terminated.exitCode.toString()}`;
}

function hasTrue(pod: Pod, type: string): boolean {
  return (pod.status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
}

/** Restarts and the time of the last one, over some containers. */
class RestartCount {
  count = 0;
  last: number | undefined;

  add(status: ContainerStatus): void {
    this.count += status.restartCount;
    const ended = parseTime(status.lastState?.terminated?.finishedAt);
    if (ended !== undefined && (this.last === undefined || ended > this.last)) this.last = ended;
  }
}

interface Initialization {
  /** Set while an init container is still to finish. */
  readonly reason: string | undefined;
  readonly all: RestartCount;
  readonly sidecars: RestartCount;
  readonly readySidecars: number;
}

function initialization(pod: Pod, sidecarNames: ReadonlySet<string>): Initialization {
  const all = new RestartCount();
  const sidecars = new RestartCount();
  let readySidecars = 0;
  for (const [at, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    all.add(status);
    const sidecar = sidecarNames.has(status.name);
    if (sidecar) sidecars.add(status);
    const { terminated, waiting } = status.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecar && status.started === true) {
      if (status.ready) readySidecars++;
      continue;
    }
    let reason = `Init:${at.toString()}/${(pod.spec?.initContainers ?? []).length.toString()}`;
    if (terminated !== undefined) reason = `Init:${endText(terminated)}`;
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') reason = `Init:${waiting.reason}`;
    return { reason, all, sidecars, readySidecars };
  }
  return { reason: undefined, all, sidecars, readySidecars };
}

/** Sums a pod up as kubectl shows it: the phase, unless a container, a gate or a deletion says more. */
export function summarizePod(pod: Pod): PodSummary {
  const podStatus = pod.status ?? {};
  let status = podStatus.reason ? podStatus.reason : (podStatus.phase ?? '');
  if ((podStatus.conditions ?? []).some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated')) {
    status = 'SchedulingGated';
  }
  const initContainers = pod.spec?.initContainers ?? [];
  const sidecarNames = new Set(initContainers.filter((one) => one.restartPolicy === 'Always').map((one) => one.name));
  const init = initialization(pod, sidecarNames);
  let ready = init.readySidecars;
  let restarts = init.all;
  if (init.reason !== undefined) status = init.reason;
  if (init.reason === undefined || hasTrue(pod, 'Initialized')) {
    restarts = init.sidecars;
    let running = false;
    for (const container of [...(podStatus.containerStatuses ?? [])].reverse()) {
      restarts.add(container);
      const { waiting, terminated, running: runs } = container.state ?? {};
      if (waiting?.reason) status = waiting.reason;
      else if (terminated !== undefined) status = endText(terminated);
      else if (container.ready && runs !== undefined) {
        running = true;
        ready++;
      }
    }
    if (status === 'Completed' && running) status = hasTrue(pod, 'Ready') ? 'Running' : 'NotReady';
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    const ended = podStatus.phase === 'Succeeded' || podStatus.phase === 'Failed';
    if (podStatus.reason === 'NodeLost') status = 'Unknown';
    else if (!ended) status = 'Terminating';
  }
  const total = (pod.spec?.containers ?? []).length + sidecarNames.size;
  return { status, ready, total, restarts: restarts.count, lastRestart: restarts.last };
}
