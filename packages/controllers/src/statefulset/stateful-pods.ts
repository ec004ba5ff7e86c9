import { resources } from '@bayplan/api';
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet, Volume } from '@bayplan/api';
import { podFromTemplate } from '../pods/pod-control.ts';
import { isFinished, isReady } from '../pods/pod-state.ts';

export const revisionLabel = 'controller-revision-hash';
export const podNameLabel = 'statefulset.kubernetes.io/pod-name';
export const podIndexLabel = 'apps.kubernetes.io/pod-index';

export function firstOrdinal(set: StatefulSet): number {
  return set.spec?.ordinals?.start ?? 0;
}

/** The number at the end of a pod's name; undefined when the pod is not named after the set. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const name = pod.metadata.name ?? '';
  const prefix = `${set.metadata.name ?? ''}-`;
  const number = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^(0|[1-9]\d{0,9})$/.test(number) ? Number(number) : undefined;
}

export function claimName(set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string {
  return `${template.metadata.name ?? ''}-${set.metadata.name ?? ''}-${String(ordinal)}`;
}

function claimVolumes(set: StatefulSet, ordinal: number): Volume[] {
  return (set.spec?.volumeClaimTemplates ?? []).map((template) => ({
    name: template.metadata.name ?? '',
    persistentVolumeClaim: { claimName: claimName(set, template, ordinal) },
  }));
}

function identityLabels(pod: Pod): Record<string, string> {
  const name = pod.metadata.name ?? '';
  return { [podNameLabel]: name, [podIndexLabel]: name.slice(name.lastIndexOf('-') + 1) };
}

/** The pod of one ordinal, of the template of one revision. */
export function statefulPod(set: StatefulSet, template: PodTemplateSpec | undefined, revision: string, ordinal: number): Pod {
  const base = podFromTemplate({ ref: resources.statefulSets, object: set }, template);
  const name = `${set.metadata.name ?? ''}-${String(ordinal)}`;
  const volumes = claimVolumes(set, ordinal);
  const own = (base.spec?.volumes ?? []).filter((volume) => !volumes.some((claimed) => claimed.name === volume.name));
  const labels = { ...base.metadata.labels, ...identityLabels({ metadata: { name } }), [revisionLabel]: revision };
  return {
    metadata: { ...base.metadata, generateName: undefined, name, labels },
    spec: {
      ...base.spec,
      containers: base.spec?.containers ?? [],
      hostname: name,
      subdomain: set.spec?.serviceName ?? '',
      ...(volumes.length + own.length > 0 ? { volumes: [...volumes, ...own] } : {}),
    },
  };
}

/** The pod with the labels of its identity put right; undefined when they are. */
export function withIdentity(pod: Pod): Pod | undefined {
  const wanted = identityLabels(pod);
  if (Object.entries(wanted).every(([label, value]) => pod.metadata.labels?.[label] === value)) return undefined;
  return { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...wanted } } };
}

/** The claims of one ordinal as its templates describe them. */
export function claimsOf(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec?.volumeClaimTemplates ?? []).map((template) => ({
    metadata: {
      ...(set.metadata.namespace ? { namespace: set.metadata.namespace } : {}),
      name: claimName(set, template, ordinal),
      labels: { ...template.metadata.labels, ...set.spec?.selector.matchLabels },
      ...(template.metadata.annotations ? { annotations: template.metadata.annotations } : {}),
    },
    ...(template.spec ? { spec: template.spec } : {}),
  }));
}

export function revisionOfPod(pod: Pod): string | undefined {
  return pod.metadata.labels?.[revisionLabel];
}

export function isLeaving(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

export function runsAndIsReady(pod: Pod): boolean {
  return pod.status?.phase === 'Running' && isReady(pod);
}

/** Running, ready and not on its way out. */
export function isHealthy(pod: Pod): boolean {
  return runsAndIsReady(pod) && !isLeaving(pod) && !isFinished(pod);
}
