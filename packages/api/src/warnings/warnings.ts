import type { GroupKind } from '../errors/constructors.ts';
import { FieldPath } from '../errors/field-path.ts';
import type { Deployment, Job, CronJob, Pod, PodTemplate } from '../generated/types.ts';
import type { KubeObject } from '../object.ts';
import { sameJson } from '../patch/json-value.ts';
import * as kinds from './kinds.ts';
import { warnOfPod } from './pod.ts';

type Warn = (object: never, warnings: string[]) => void;

interface Rules {
  /** Also of what an update leaves in place; otherwise an update of an object that warned before says nothing. */
  readonly always?: Warn;
  /** Of a new object only. */
  readonly create?: Warn;
  /** Of a new object, and of an update that changes its spec. */
  readonly changed?: Warn;
}

const templatePath = FieldPath.of('spec', 'template');
const inPodNames = 'Pod names and hostnames';

const template: Warn = (object: Deployment, warnings) => {
  kinds.warnOfTemplate(object.spec?.template, templatePath, warnings);
};

const named =
  (becomes: string): Warn =>
  (object: KubeObject, warnings) => {
    kinds.warnOfName(object.metadata.name, becomes, warnings);
  };

const rules: Readonly<Record<string, Rules>> = {
  '/Pod': {
    create: (pod: Pod, warnings) => {
      kinds.warnOfName(pod.metadata?.name, "the Pod's hostname", warnings);
      warnOfPod(pod.metadata, pod.spec ?? { containers: [] }, undefined, warnings);
    },
  },
  '/PodTemplate': {
    changed: ({ template: pods }: PodTemplate, warnings) => {
      kinds.warnOfTemplate(pods, FieldPath.of('template'), warnings);
    },
  },
  '/ReplicationController': { create: named(inPodNames), changed: template },
  '/Service': { always: kinds.warnOfService },
  '/ServiceAccount': { always: kinds.warnOfServiceAccount },
  '/Node': { always: kinds.warnOfNode },
  '/PersistentVolume': { always: kinds.warnOfPersistentVolume },
  '/PersistentVolumeClaim': { always: kinds.warnOfVolumeClaim },
  'apps/Deployment': { create: named(inPodNames), changed: template },
  'apps/ReplicaSet': { create: named(inPodNames), changed: template },
  'apps/DaemonSet': { changed: template },
  'apps/StatefulSet': { changed: template, always: kinds.warnOfStatefulSet },
  'batch/Job': {
    create: named(inPodNames),
    changed: (job: Job, warnings) => {
      kinds.warnOfTemplate(job.spec?.template, templatePath, warnings);
      kinds.warnOfJob(job, warnings);
    },
  },
  'batch/CronJob': {
    create: named(inPodNames),
    changed: (job: CronJob, warnings) => {
      const path = FieldPath.of('spec', 'jobTemplate', 'spec', 'template');
      kinds.warnOfTemplate(job.spec?.jobTemplate.spec?.template, path, warnings);
      kinds.warnOfCronJob(job, warnings);
    },
  },
  'networking.k8s.io/Ingress': { create: kinds.warnOfIngress },
  'node.k8s.io/RuntimeClass': { always: kinds.warnOfRuntimeClass },
  'storage.k8s.io/StorageClass': { always: kinds.warnOfStorageClass },
};

/**
 * What whoever writes an object should know of it, though it is sound: fields that mean nothing any more,
 * entries that hide each other. `old` is undefined for a new object.
 */
export function warningsFor(kind: GroupKind, next: KubeObject, old: KubeObject | undefined): string[] {
  const own = rules[`${kind.group}/${kind.kind}`];
  const warnings: string[] = [];
  if (own === undefined) return warnings;
  if (old === undefined) own.create?.(next as never, warnings);
  if (own.changed !== undefined && (old === undefined || !sameJson(specOf(next), specOf(old)))) own.changed(next as never, warnings);
  own.always?.(next as never, warnings);
  return warnings;
}

function specOf(object: KubeObject): unknown {
  const { spec, template: pods } = object as { spec?: unknown; template?: unknown };
  return spec ?? pods;
}
