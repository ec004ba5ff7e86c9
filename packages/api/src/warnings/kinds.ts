import { FieldPath } from '../errors/field-path.ts';
import type {
  CronJob,
  Ingress,
  Job,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PodTemplateSpec,
  RuntimeClass,
  Service,
  ServiceAccount,
  StatefulSet,
  StorageClass,
} from '../generated/types.ts';
import { dns1123LabelFaults } from '../names.ts';
import { warnOfAddress, warnOfFractions } from './amounts.ts';
import { labelDeprecation, warnOfLabels, warnOfTerm } from './node-labels.ts';
import { warnOfPod } from './pod.ts';
import { warnOfClaim } from './volumes.ts';

const spec = FieldPath.of('spec');
const annotations = FieldPath.of('metadata', 'annotations');

export function warnOfTemplate(template: PodTemplateSpec | undefined, path: FieldPath, warnings: string[]): void {
  if (template?.spec !== undefined) warnOfPod(template.metadata, template.spec, path, warnings);
}

/** Of a name that becomes part of host names. */
export function warnOfName(name: string | undefined, becomes: string, warnings: string[]): void {
  const faults = dns1123LabelFaults(name ?? '');
  if (faults.length === 0) return;
  warnings.push(
    `metadata.name: this is used in ${becomes}, which can result in surprising behavior; a DNS label is recommended: [${faults.join(' ')}]`,
  );
}

const manyCompletions = 100_000;
const highParallelism = 10_000;

export function warnOfJob({ spec: wanted }: Job, warnings: string[]): void {
  const large = (wanted?.completions ?? 0) > manyCompletions && (wanted?.parallelism ?? 0) > highParallelism;
  if (wanted?.completionMode === 'Indexed' && large) {
    warnings.push(
      'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail',
    );
  }
}

export function warnOfCronJob({ spec: wanted }: CronJob, warnings: string[]): void {
  if (wanted?.schedule.includes('TZ') === true) {
    warnings.push(
      'CRON_TZ or TZ used in spec.schedule is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
    );
  }
}

export function warnOfStatefulSet({ spec: wanted }: StatefulSet, warnings: string[]): void {
  for (const [at, claim] of (wanted?.volumeClaimTemplates ?? []).entries()) {
    warnOfClaim(claim.spec, spec.child('volumeClaimTemplates').index(at), warnings);
  }
  if ((wanted?.revisionHistoryLimit ?? 0) < 0) {
    warnings.push('spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended');
  }
}

const hintsKey = 'service.kubernetes.io/topology-aware-hints';

export function warnOfService({ metadata, spec: wanted }: Service, warnings: string[]): void {
  if (metadata?.annotations?.[hintsKey] !== undefined) {
    warnings.push(`annotation ${hintsKey} is deprecated, please use service.kubernetes.io/topology-mode instead`);
  }
  const { type, clusterIP, clusterIPs, externalIPs = [], loadBalancerIP, externalName, sessionAffinity } = wanted ?? {};
  if (clusterIP !== 'None')
    for (const [at, ip] of (clusterIPs ?? []).entries()) warnOfAddress(ip, spec.child('clusterIPs').index(at), warnings);
  if (type === 'ClusterIP' && clusterIP === 'None') {
    if (loadBalancerIP) warnings.push('spec.loadBalancerIP is ignored for headless services');
    if (externalIPs.length > 0) warnings.push('spec.externalIPs is ignored for headless services');
    if (sessionAffinity && sessionAffinity !== 'None') warnings.push('spec.SessionAffinity is ignored for headless services');
  }
  for (const [at, ip] of externalIPs.entries()) warnOfAddress(ip, spec.child('externalIPs').index(at), warnings);
  warnOfAddress(loadBalancerIP, spec.child('loadBalancerIP'), warnings);
  if (type === 'ExternalName' && externalIPs.length > 0) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (type !== 'ExternalName' && externalName) warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
}

const classKey = 'volume.beta.kubernetes.io/storage-class';
const classFault = 'deprecated since v1.8; use "storageClassName" attribute instead';
const mountOptionsKey = 'volume.beta.kubernetes.io/mount-options';

export function warnOfVolumeClaim({ metadata, spec: wanted }: PersistentVolumeClaim, warnings: string[]): void {
  if (metadata?.annotations?.[classKey] !== undefined) warnings.push(`${annotations.key(classKey).toString()}: ${classFault}`);
  warnOfClaim(wanted, spec, warnings);
}

export function warnOfPersistentVolume({ metadata, spec: wanted }: PersistentVolume, warnings: string[]): void {
  if (metadata?.annotations?.[classKey] !== undefined) warnings.push(`${annotations.key(classKey).toString()}: ${classFault}`);
  if (metadata?.annotations?.[mountOptionsKey] !== undefined) {
    warnings.push(`${annotations.key(mountOptionsKey).toString()}: deprecated since v1.31; use "mountOptions" attribute instead`);
  }
  if (wanted?.persistentVolumeReclaimPolicy === 'Recycle') {
    warnings.push(
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    );
  }
  for (const [at, term] of (wanted?.nodeAffinity?.required?.nodeSelectorTerms ?? []).entries()) {
    warnOfTerm(term, false, spec.child('nodeAffinity', 'required', 'nodeSelectorTerms').index(at), warnings);
  }
  for (const [field, why] of Object.entries(goneSources)) {
    if (wanted?.[field as keyof typeof goneSources] !== undefined) warnings.push(`${spec.child(field).toString()}: ${why}`);
  }
  warnOfFractions(wanted?.capacity, ['storage'], spec.child('capacity'), warnings);
}

const goneSources = {
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
} as const satisfies Partial<Record<keyof NonNullable<PersistentVolume['spec']>, string>>;

const ingressClassKey = 'kubernetes.io/ingress.class';

export function warnOfIngress({ metadata, spec: wanted }: Ingress, warnings: string[]): void {
  if (metadata?.annotations?.[ingressClassKey] === undefined || wanted?.ingressClassName !== undefined) return;
  warnings.push(`annotation ${JSON.stringify(ingressClassKey)} is deprecated, please use 'spec.ingressClassName' instead`);
}

const mountableKey = 'kubernetes.io/enforce-mountable-secrets';

export function warnOfServiceAccount({ metadata }: ServiceAccount, warnings: string[]): void {
  if (metadata?.annotations?.[mountableKey] === undefined) return;
  const path = annotations.key(mountableKey).toString();
  warnings.push(`${path}: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`);
}

export function warnOfNode({ spec: wanted }: Node, warnings: string[]): void {
  if (wanted?.configSource !== undefined) warnings.push('spec.configSource: the feature is removed');
  if (wanted?.externalID) warnings.push('spec.externalID: this field is deprecated, and is unused by Kubernetes');
}

export function warnOfRuntimeClass({ scheduling }: RuntimeClass, warnings: string[]): void {
  warnOfLabels(scheduling?.nodeSelector, FieldPath.of('scheduling', 'nodeSelector'), warnings);
}

export function warnOfStorageClass({ allowedTopologies }: StorageClass, warnings: string[]): void {
  for (const [at, { matchLabelExpressions }] of (allowedTopologies ?? []).entries()) {
    for (const [position, { key }] of (matchLabelExpressions ?? []).entries()) {
      const why = labelDeprecation(key);
      const path = FieldPath.of('allowedTopologies').index(at).child('matchLabelExpressions').index(position).child('key');
      if (why !== undefined) warnings.push(`${path.toString()}: ${why}`);
    }
  }
}
