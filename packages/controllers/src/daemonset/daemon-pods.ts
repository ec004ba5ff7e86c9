import { resources } from '@bayplan/api';
import type { DaemonSet, Pod } from '@bayplan/api';
import { podFromTemplate } from '../pods/pod-control.ts';
import { daemonTolerations } from './node-fit.ts';

/** The label of pods and revisions that carries the hash of the template. */
export const hashLabel = 'controller-revision-hash';
const generationLabel = 'pod-template-generation';
const generationAnnotation = 'deprecated.daemonset.template.generation';

/** The pod for one node: bound by affinity to the node's name, so that the scheduler still checks that it fits. */
export function daemonPod(daemonSet: DaemonSet, nodeName: string, hash: string): Pod {
  const pod = podFromTemplate({ ref: resources.daemonSets, object: daemonSet }, daemonSet.spec?.template);
  const spec = pod.spec;
  const generation = daemonSet.metadata.annotations?.[generationAnnotation];
  const labels = { ...pod.metadata.labels, [hashLabel]: hash, ...(generation === undefined ? {} : { [generationLabel]: generation }) };
  const onlyHere = { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] }] };
  const affinity = {
    ...spec?.affinity,
    nodeAffinity: { ...spec?.affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: onlyHere },
  };
  return {
    metadata: { ...pod.metadata, labels },
    spec: { ...spec, containers: spec?.containers ?? [], affinity, tolerations: daemonTolerations(spec) },
  };
}

/** The node that a pod runs on or was made for. */
export function targetNode(pod: Pod): string | undefined {
  if (pod.spec?.nodeName) return pod.spec.nodeName;
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const term of terms) {
    const byName = term.matchFields?.find((field) => field.key === 'metadata.name' && field.operator === 'In');
    if (byName?.values?.length === 1) return byName.values[0];
  }
  return undefined;
}

export function isUpdated(pod: Pod, hash: string): boolean {
  return pod.metadata.labels?.[hashLabel] === hash;
}

/** Bound pods first, then those further on in their life, then the older: the first is the one to keep. */
export function byAge(a: Pod, b: Pod): number {
  const bound = (pod: Pod): number => (pod.spec?.nodeName ? 0 : 1);
  if (bound(a) !== bound(b)) return bound(a) - bound(b);
  const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (left !== right) return left < right ? -1 : 1;
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}
