import type {
  ControllerRevision,
  CronJob,
  DaemonSet,
  Deployment,
  HorizontalPodAutoscaler,
  Job,
  Pod,
  PodDisruptionBudget,
  PodTemplate,
  PodTemplateSpec,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../generated/types.ts';
import { humanDuration, parseTime } from '../time.ts';
import { age, containerImages, containerNames, labelsText, nameOf, none, orNone, selectorText, since } from './cell-text.ts';
import type { Cell, KindTable, RowCondition } from './column.ts';
import { boolean, integer, kindTable, text, wide } from './column.ts';
import { targetsText } from './metric-targets.ts';
import { summarizePod } from './pod-status.ts';

const templateColumns = [wide('Containers'), wide('Images')];

function templateCells(template: PodTemplateSpec | undefined): Cell[] {
  return [containerNames(template?.spec?.containers), containerImages(template?.spec?.containers)];
}

function podCells(pod: Pod, nowMs: number): Cell[] {
  const { status, ready, total, restarts, lastRestart } = summarizePod(pod);
  const ago = restarts > 0 && lastRestart !== undefined ? ` (${humanDuration(nowMs - lastRestart)} ago)` : '';
  const gates = pod.spec?.readinessGates ?? [];
  const passed = gates.filter(({ conditionType }) =>
    (pod.status?.conditions ?? []).some((condition) => condition.type === conditionType && condition.status === 'True'),
  );
  return [
    nameOf(pod),
    `${ready.toString()}/${total.toString()}`,
    status,
    `${restarts.toString()}${ago}`,
    age(pod, nowMs),
    orNone(pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP),
    orNone(pod.spec?.nodeName),
    orNone(pod.status?.nominatedNodeName),
    gates.length === 0 ? none : `${passed.length.toString()}/${gates.length.toString()}`,
  ];
}

const podEnds: Readonly<Record<string, readonly RowCondition[]>> = {
  Succeeded: [{ type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' }],
  Failed: [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }],
};

function jobStatus(job: Job): string {
  const holds = (type: string): boolean => (job.status?.conditions ?? []).some((one) => one.type === type && one.status === 'True');
  if (holds('Complete')) return 'Complete';
  if (holds('Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  for (const type of ['Suspended', 'FailureTarget', 'SuccessCriteriaMet']) if (holds(type)) return type;
  return 'Running';
}

function jobCells(job: Job, nowMs: number): Cell[] {
  const { completions, parallelism = 0, template, selector } = job.spec ?? {};
  const succeeded = (job.status?.succeeded ?? 0).toString();
  let progress = `${succeeded}/1`;
  if (completions !== undefined) progress = `${succeeded}/${completions.toString()}`;
  else if (parallelism > 1) progress = `${succeeded}/1 of ${parallelism.toString()}`;
  const start = parseTime(job.status?.startTime);
  const end = parseTime(job.status?.completionTime) ?? nowMs;
  const duration = start === undefined ? '' : humanDuration(end - start);
  return [nameOf(job), jobStatus(job), progress, duration, age(job, nowMs), ...templateCells(template), selectorText(selector)];
}

/** By `group/Kind`. */
export const workloadTables: Readonly<Record<string, KindTable>> = {
  '/Pod': kindTable<Pod>(
    ['Name', 'Ready', 'Status', 'Restarts', 'Age', wide('IP'), wide('Node'), wide('Nominated Node'), wide('Readiness Gates')],
    podCells,
    (pod) => podEnds[pod.status?.phase ?? ''] ?? [],
  ),
  '/PodTemplate': kindTable<PodTemplate>(['Name', 'Containers', 'Images', 'Pod Labels'], (object) => [
    nameOf(object),
    ...templateCells(object.template),
    labelsText(object.template?.metadata?.labels),
  ]),
  '/ReplicationController': kindTable<ReplicationController>(
    ['Name', integer('Desired'), integer('Current'), integer('Ready'), 'Age', ...templateColumns, wide('Selector')],
    (object, now) => [
      nameOf(object),
      object.spec?.replicas ?? 0,
      object.status?.replicas ?? 0,
      object.status?.readyReplicas ?? 0,
      age(object, now),
      ...templateCells(object.spec?.template),
      labelsText(object.spec?.selector),
    ],
  ),
  'apps/ReplicaSet': kindTable<ReplicaSet>(
    ['Name', integer('Desired'), integer('Current'), integer('Ready'), 'Age', ...templateColumns, wide('Selector')],
    (object, now) => [
      nameOf(object),
      object.spec?.replicas ?? 0,
      object.status?.replicas ?? 0,
      object.status?.readyReplicas ?? 0,
      age(object, now),
      ...templateCells(object.spec?.template),
      selectorText(object.spec?.selector),
    ],
  ),
  'apps/Deployment': kindTable<Deployment>(
    ['Name', 'Ready', 'Up-to-date', 'Available', 'Age', ...templateColumns, wide('Selector')],
    (object, now) => [
      nameOf(object),
      `${(object.status?.readyReplicas ?? 0).toString()}/${(object.spec?.replicas ?? 0).toString()}`,
      object.status?.updatedReplicas ?? 0,
      object.status?.availableReplicas ?? 0,
      age(object, now),
      ...templateCells(object.spec?.template),
      selectorText(object.spec?.selector),
    ],
  ),
  'apps/StatefulSet': kindTable<StatefulSet>(['Name', 'Ready', 'Age', ...templateColumns], (object, now) => [
    nameOf(object),
    `${(object.status?.readyReplicas ?? 0).toString()}/${(object.spec?.replicas ?? 0).toString()}`,
    age(object, now),
    ...templateCells(object.spec?.template),
  ]),
  'apps/DaemonSet': kindTable<DaemonSet>(
    [
      'Name',
      integer('Desired'),
      integer('Current'),
      integer('Ready'),
      integer('Up-to-date'),
      integer('Available'),
      text('Node Selector'),
      'Age',
      ...templateColumns,
      wide('Selector'),
    ],
    (object, now) => [
      nameOf(object),
      object.status?.desiredNumberScheduled ?? 0,
      object.status?.currentNumberScheduled ?? 0,
      object.status?.numberReady ?? 0,
      object.status?.updatedNumberScheduled ?? 0,
      object.status?.numberAvailable ?? 0,
      labelsText(object.spec?.template.spec?.nodeSelector),
      age(object, now),
      ...templateCells(object.spec?.template),
      selectorText(object.spec?.selector),
    ],
  ),
  'apps/ControllerRevision': kindTable<ControllerRevision>(['Name', 'Controller', 'Revision', 'Age'], (object, now) => {
    const owner = object.metadata.ownerReferences?.find((one) => one.controller === true);
    const kind = owner === undefined ? '' : owner.kind.toLowerCase();
    const group = owner?.apiVersion.includes('/') === true ? `.${owner.apiVersion.split('/')[0] ?? ''}` : '';
    return [nameOf(object), owner === undefined ? none : `${kind}${group}/${owner.name}`, object.revision, age(object, now)];
  }),
  'batch/Job': kindTable<Job>(['Name', 'Status', 'Completions', 'Duration', 'Age', ...templateColumns, wide('Selector')], jobCells),
  'batch/CronJob': kindTable<CronJob>(
    ['Name', 'Schedule', 'Timezone', boolean('Suspend'), integer('Active'), 'Last Schedule', 'Age', ...templateColumns, wide('Selector')],
    (object, now) => {
      const job = object.spec?.jobTemplate.spec;
      return [
        nameOf(object),
        object.spec?.schedule ?? '',
        orNone(object.spec?.timeZone),
        object.spec?.suspend === true ? 'True' : 'False',
        (object.status?.active ?? []).length,
        object.status?.lastScheduleTime === undefined ? none : since(object.status.lastScheduleTime, now),
        age(object, now),
        ...templateCells(job?.template),
        selectorText(job?.selector),
      ];
    },
  ),
  'policy/PodDisruptionBudget': kindTable<PodDisruptionBudget>(
    ['Name', 'Min Available', 'Max Unavailable', integer('Allowed Disruptions'), 'Age'],
    (object, now) => [
      nameOf(object),
      object.spec?.minAvailable?.toString() ?? 'N/A',
      object.spec?.maxUnavailable?.toString() ?? 'N/A',
      object.status?.disruptionsAllowed ?? 0,
      age(object, now),
    ],
  ),
  'autoscaling/HorizontalPodAutoscaler': kindTable<HorizontalPodAutoscaler>(
    ['Name', 'Reference', 'Targets', 'MinPods', 'MaxPods', 'Replicas', 'Age'],
    (object, now) => [
      nameOf(object),
      `${object.spec?.scaleTargetRef.kind ?? ''}/${object.spec?.scaleTargetRef.name ?? ''}`,
      targetsText(object),
      object.spec?.minReplicas?.toString() ?? '<unset>',
      object.spec?.maxReplicas ?? 0,
      object.status?.currentReplicas ?? 0,
      age(object, now),
    ],
  ),
};
