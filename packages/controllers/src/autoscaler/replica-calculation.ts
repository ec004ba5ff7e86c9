import { milliOf } from '@bayplan/api';
import type { Pod } from '@bayplan/api';
import { readyCondition } from '../pods/pod-state.ts';
import type { PodSamples } from './metrics-client.ts';

/** A pod's use of CPU while it starts says nothing about its load. */
const cpuInitializationMs = 5 * 60_000;
const initialReadinessMs = 30_000;

/** By which fraction the measured may differ from the target without an effect. */
export interface Tolerances {
  readonly up: number;
  readonly down: number;
}

export interface Proposal {
  readonly replicas: number;
  /** Measured, in thousandths: per pod, or of the whole. */
  readonly value: number;
  /** In percent of what the pods request; for utilization only. */
  readonly utilization?: number;
}

export function isWithin(ratio: number, { up, down }: Tolerances): boolean {
  return ratio >= 1 - down && ratio <= 1 + up;
}

interface PodGroups {
  readonly ready: number;
  readonly unready: ReadonlySet<string>;
  readonly missing: ReadonlySet<string>;
  readonly ignored: ReadonlySet<string>;
}

/** Which pods count, by name. `resource` is undefined for custom metrics. */
export function groupPods(pods: readonly Pod[], samples: PodSamples, resource: string | undefined, nowMs: number): PodGroups {
  const unready = new Set<string>();
  const missing = new Set<string>();
  const ignored = new Set<string>();
  let ready = 0;
  for (const pod of pods) {
    const name = pod.metadata.name ?? '';
    const sample = samples.get(name);
    if (pod.metadata.deletionTimestamp !== undefined || pod.status?.phase === 'Failed') ignored.add(name);
    else if (pod.status?.phase === 'Pending') unready.add(name);
    else if (sample === undefined) missing.add(name);
    else if (resource === 'cpu' && isStillStarting(pod, sample, nowMs)) unready.add(name);
    else ready++;
  }
  return { ready, unready, missing, ignored };
}

function isStillStarting(pod: Pod, sample: { readonly atMs: number; readonly windowMs: number }, nowMs: number): boolean {
  const condition = readyCondition(pod);
  const startMs = Date.parse(pod.status?.startTime ?? '');
  const changedMs = Date.parse(condition?.lastTransitionTime ?? '');
  if (condition === undefined || Number.isNaN(startMs)) return true;
  const isReady = condition.status === 'True';
  if (startMs + cpuInitializationMs > nowMs) return !isReady || sample.atMs < changedMs + sample.windowMs;
  return !isReady && startMs + initialReadinessMs > changedMs;
}

/** What a pod, or one container of it, requests of a resource, in thousandths. Throws where nothing is requested. */
export function requestOf(pod: Pod, resource: string, container: string | undefined): number {
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const whole = pod.spec?.resources?.requests?.[resource];
  if (container === undefined && whole !== undefined) return milliOf(whole);
  let sum = 0;
  for (const one of [...(pod.spec?.containers ?? []), ...sidecars]) {
    if (container !== undefined && one.name !== container) continue;
    const request = one.resources?.requests?.[resource];
    if (request === undefined)
      throw new Error(`missing request for ${resource} in container ${one.name} of Pod ${pod.metadata.name ?? ''}`);
    sum += milliOf(request);
  }
  return sum;
}

/** Replicas for a target use per pod, given as percent of requests or as an amount. */
export function replicasForPods(options: {
  readonly current: number;
  readonly pods: readonly Pod[];
  readonly samples: PodSamples;
  readonly resource: string | undefined;
  readonly container?: string | undefined;
  readonly target: { readonly percent: number } | { readonly milli: number };
  readonly tolerances: Tolerances;
  readonly nowMs: number;
}): Proposal {
  const { current, pods, samples, resource, container, target, tolerances, nowMs } = options;
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count');
  const groups = groupPods(pods, samples, resource, nowMs);
  const usage = new Map<string, number>();
  for (const pod of pods) {
    const name = pod.metadata.name ?? '';
    const sample = samples.get(name);
    if (sample !== undefined && !groups.ignored.has(name) && !groups.unready.has(name)) usage.set(name, sample.value);
  }
  if (usage.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  const percent = 'percent' in target;
  const requests = new Map(pods.map((pod) => [pod.metadata.name ?? '', percent ? requestOf(pod, resource ?? '', container) : 0]));
  const ratioOf = (values: ReadonlyMap<string, number>): number => {
    let used = 0;
    let asked = 0;
    for (const [name, value] of values) {
      used += value;
      asked += requests.get(name) ?? 0;
    }
    if (!percent) return used / values.size / target.milli;
    if (asked === 0) throw new Error('no metrics returned matched known pods');
    // Whole percents, as they are shown.
    return Math.trunc((used * 100) / asked) / target.percent;
  };
  const ratio = ratioOf(usage);
  const used = [...usage.values()].reduce((sum, value) => sum + value, 0);
  const measured = {
    value: Math.trunc(used / usage.size),
    ...(percent ? { utilization: Math.round(ratio * target.percent) } : {}),
  };
  const growsWithUnready = groups.unready.size > 0 && ratio > 1;
  if (!growsWithUnready && groups.missing.size === 0) {
    return { ...measured, replicas: isWithin(ratio, tolerances) ? current : Math.ceil(round(ratio * groups.ready)) };
  }
  // What is not known is taken to speak against the change.
  if (ratio !== 1) {
    for (const name of groups.missing) {
      const full = percent ? ((requests.get(name) ?? 0) * Math.max(100, target.percent)) / 100 : target.milli;
      usage.set(name, ratio < 1 ? full : 0);
    }
  }
  if (growsWithUnready) for (const name of groups.unready) usage.set(name, 0);
  const careful = ratioOf(usage);
  const turned = (ratio < 1 && careful > 1) || (ratio > 1 && careful < 1);
  if (isWithin(careful, tolerances) || turned) return { ...measured, replicas: current };
  const replicas = Math.ceil(round(careful * usage.size));
  const isOpposite = (careful < 1 && replicas > current) || (careful > 1 && replicas < current);
  return { ...measured, replicas: isOpposite ? current : replicas };
}

/** Replicas for a target value of one measured amount, from the pods that are ready. */
export function replicasForValue(current: number, value: number, target: number, readyPods: number, tolerances: Tolerances): Proposal {
  const ratio = value / target;
  if (current === 0) return { replicas: Math.ceil(round(ratio)), value };
  return { replicas: isWithin(ratio, tolerances) ? current : Math.ceil(round(ratio * readyPods)), value };
}

/** Replicas for a target share of one measured amount for each pod. */
export function replicasForAverage(
  current: number,
  statusReplicas: number,
  value: number,
  target: number,
  tolerances: Tolerances,
): Proposal {
  const ratio = statusReplicas === 0 ? Infinity : value / (target * statusReplicas);
  const replicas = isWithin(ratio, tolerances) ? current : Math.ceil(round(value / target));
  return { replicas, value: statusReplicas === 0 ? value : Math.ceil(value / statusReplicas) };
}

/** Takes off what floating point adds, so that 3.0000000000000004 is not rounded up to 4. */
function round(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}
