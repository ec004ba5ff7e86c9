import type { Container, Pod } from '@bayplan/api';
import { specHash } from '../pods/pod-shape.ts';

/** Labels and annotations on CRI objects, as tools such as crictl expect them. */
export const podNameLabel = 'io.kubernetes.pod.name';
export const podNamespaceLabel = 'io.kubernetes.pod.namespace';
export const podUidLabel = 'io.kubernetes.pod.uid';
export const containerNameLabel = 'io.kubernetes.container.name';

const hashAnnotation = 'io.kubernetes.container.hash';
const restartCountAnnotation = 'io.kubernetes.container.restartCount';
const messagePathAnnotation = 'io.kubernetes.container.terminationMessagePath';
const messagePolicyAnnotation = 'io.kubernetes.container.terminationMessagePolicy';
const gracePeriodAnnotation = 'io.kubernetes.pod.terminationGracePeriod';
/** Our own: how long to wait after this attempt ends before the next may start, in milliseconds. */
const restartDelayAnnotation = 'bayplan.io/restart-delay-ms';

export function sandboxLabels(pod: Pod): Record<string, string> {
  return { ...pod.metadata.labels, ...identity(pod) };
}

export function containerLabels(pod: Pod, container: Container): Record<string, string> {
  return { ...identity(pod), [containerNameLabel]: container.name };
}

export function containerAnnotations(pod: Pod, container: Container, attempt: number, restartDelayMs: number): Record<string, string> {
  return {
    [hashAnnotation]: specHash(container),
    [restartCountAnnotation]: String(attempt),
    [messagePathAnnotation]: container.terminationMessagePath ?? '/dev/termination-log',
    [messagePolicyAnnotation]: container.terminationMessagePolicy ?? 'File',
    [gracePeriodAnnotation]: String(pod.spec?.terminationGracePeriodSeconds ?? 30),
    [restartDelayAnnotation]: String(restartDelayMs),
  };
}

/** What the agent wrote on a container that it finds in the runtime. */
export function readContainerAnnotations(annotations: Readonly<Record<string, string>>): {
  readonly specHash: string;
  readonly restartDelayMs: number;
  readonly gracePeriodSeconds: number;
} {
  return {
    specHash: annotations[hashAnnotation] ?? '',
    restartDelayMs: wholeNumber(annotations[restartDelayAnnotation], 0),
    gracePeriodSeconds: wholeNumber(annotations[gracePeriodAnnotation], 30),
  };
}

function identity(pod: Pod): Record<string, string> {
  return {
    [podNameLabel]: pod.metadata.name ?? '',
    [podNamespaceLabel]: pod.metadata.namespace ?? '',
    [podUidLabel]: pod.metadata.uid ?? '',
  };
}

function wholeNumber(text: string | undefined, otherwise: number): number {
  const value = Number(text ?? '');
  return text !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
}
