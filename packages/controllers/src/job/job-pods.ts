import { resources } from '@bayplan/api';
import type { Container, Job, Pod } from '@bayplan/api';
import { podFromTemplate } from '../pods/pod-control.ts';
import { completionsOf, hasLimitPerIndex, isIndexed, replacesOnlyFailed } from './job-spec.ts';

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
export const indexName = 'batch.kubernetes.io/job-completion-index';
const failureCountAnnotation = 'batch.kubernetes.io/job-index-failure-count';
const ignoredCountAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count';

/** Room for the suffix that the server makes up and for the index. */
const maxGeneratedPrefix = 63 - 5;

export function isTracked(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(trackingFinalizer) ?? false;
}

/** The pod's completion index, or undefined when it has none that the Job has. */
export function indexOf(job: Job, pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[indexName] ?? '';
  const index = /^\d+$/.test(text) ? Number(text) : undefined;
  return index !== undefined && index < (completionsOf(job) ?? 0) ? index : undefined;
}

/** Whether a pod counts as failed: one on its way out does too where it may be replaced at once or nothing runs it. */
export function isFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  if (pod.metadata.deletionTimestamp === undefined || pod.status?.phase === 'Succeeded') return false;
  return !replacesOnlyFailed(job) || !pod.spec?.nodeName;
}

function annotated(pod: Pod, annotation: string): number {
  return Number.parseInt(pod.metadata.annotations?.[annotation] ?? '0', 10) || 0;
}

/** How often the pod's index had failed before it. */
export function earlierFailures(pod: Pod): number {
  return annotated(pod, failureCountAnnotation);
}

export function ignoredFailures(pod: Pod): number {
  return annotated(pod, ignoredCountAnnotation);
}

/** What to say of earlier failures in the pod that replaces a failed one. */
export interface FailureCounts {
  readonly counted: number;
  readonly ignored: number;
}

/** A pod of the Job; of the given completion index where the Job is indexed. */
export function jobPod(job: Job, index: number | undefined, failures: FailureCounts | undefined): Pod {
  const pod = podFromTemplate({ ref: resources.jobs, object: job }, job.spec?.template);
  const finalizers = [...(pod.metadata.finalizers ?? []).filter((finalizer) => finalizer !== trackingFinalizer), trackingFinalizer];
  if (index === undefined || !isIndexed(job)) return { ...pod, metadata: { ...pod.metadata, finalizers } };
  const name = job.metadata.name ?? '';
  const text = String(index);
  const annotations: Record<string, string> = { ...pod.metadata.annotations, [indexName]: text };
  if (hasLimitPerIndex(job)) {
    annotations[failureCountAnnotation] = String(failures?.counted ?? 0);
    if (failures && failures.ignored > 0) annotations[ignoredCountAnnotation] = String(failures.ignored);
  }
  const prefix = `${name}-${text}-`;
  const generateName = prefix.length > maxGeneratedPrefix ? `${name.slice(0, maxGeneratedPrefix - text.length - 2)}-${text}-` : prefix;
  return {
    metadata: { ...pod.metadata, generateName, finalizers, annotations, labels: { ...pod.metadata.labels, [indexName]: text } },
    spec: {
      ...pod.spec,
      containers: (pod.spec?.containers ?? []).map(withIndex),
      ...(pod.spec?.initContainers ? { initContainers: pod.spec.initContainers.map(withIndex) } : {}),
      hostname: `${name}-${text}`,
    },
  };
}

const indexVariable = 'JOB_COMPLETION_INDEX';

function withIndex(container: Container): Container {
  if (container.env?.some(({ name }) => name === indexVariable)) return container;
  const variable = { name: indexVariable, valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexName}']` } } };
  return { ...container, env: [...(container.env ?? []), variable] };
}

/** When a pod ended, as its containers or conditions tell; undefined when neither does. */
export function finishedAtMs(pod: Pod): number | undefined {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const times = statuses.map((status) => Date.parse(status.state?.terminated?.finishedAt ?? ''));
  const ready = pod.status?.conditions?.find((condition) => condition.type === 'Ready');
  const known = times.filter((time) => !Number.isNaN(time));
  if (known.length > 0) return Math.max(...known);
  const fallback = [ready?.lastTransitionTime, pod.metadata.deletionTimestamp].map((time) => Date.parse(time ?? ''));
  return fallback.find((time) => !Number.isNaN(time));
}
