import type {
  APIService,
  CertificateSigningRequest,
  ComponentStatus,
  ConfigMap,
  CoreV1Event,
  EventsV1Event,
  Lease,
  Namespace,
  Node,
  ObjectReference,
  PriorityClass,
  ResourceQuota,
  RuntimeClass,
  Secret,
  ServiceAccount,
} from '../generated/types.ts';
import { humanDuration } from '../time.ts';
import { age, nameOf, none, orNone, since, sizeOf } from './cell-text.ts';
import type { Cell, KindTable } from './column.ts';
import { boolean, integer, kindTable, text, wide } from './column.ts';

const rolePrefix = 'node-role.kubernetes.io/';

function nodeRoles(node: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith(rolePrefix) && key.length > rolePrefix.length) roles.add(key.slice(rolePrefix.length));
    else if (key === 'kubernetes.io/role' && value !== '') roles.add(value);
  }
  return roles.size === 0 ? none : [...roles].sort().join(',');
}

function nodeCells(node: Node, now: number): Cell[] {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  let status = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  if (node.spec?.unschedulable === true) status += ',SchedulingDisabled';
  const address = (type: string): string => orNone(node.status?.addresses?.find((one) => one.type === type)?.address);
  const info = node.status?.nodeInfo;
  const orUnknown = (value: string | undefined): string => (value ? value : '<unknown>');
  return [
    nameOf(node),
    status,
    nodeRoles(node),
    age(node, now),
    info?.kubeletVersion ?? '',
    address('InternalIP'),
    address('ExternalIP'),
    orUnknown(info?.osImage),
    orUnknown(info?.kernelVersion),
    orUnknown(info?.containerRuntimeVersion),
  ];
}

interface EventView {
  readonly first: string;
  readonly last: string;
  readonly count: number;
  readonly about: ObjectReference | undefined;
  readonly message: string;
  readonly source: string;
}

function eventCells(
  event: { metadata: CoreV1Event['metadata']; type?: string | undefined; reason?: string | undefined },
  view: EventView,
): Cell[] {
  const { about } = view;
  const kind = (about?.kind ?? '').toLowerCase();
  return [
    view.last,
    event.type ?? '',
    event.reason ?? '',
    about?.name ? `${kind}/${about.name}` : kind,
    about?.fieldPath ?? '',
    view.source,
    view.message.trim(),
    view.first,
    view.count,
    nameOf(event),
  ];
}

const eventColumns = [
  text('Last Seen'),
  text('Type'),
  text('Reason'),
  text('Object'),
  wide('Subobject'),
  wide('Source'),
  text('Message'),
  wide('First Seen'),
  wide('Count'),
  wide('Name'),
];

function source(component: string | undefined, host: string | undefined): string {
  return host ? `${component ?? ''}, ${host}` : (component ?? '');
}

function coreEvent(event: CoreV1Event, now: number): Cell[] {
  const first = since(event.firstTimestamp ?? event.eventTime, now);
  const series = event.series;
  return eventCells(event, {
    first,
    last:
      series === undefined
        ? event.lastTimestamp === undefined
          ? first
          : since(event.lastTimestamp, now)
        : since(series.lastObservedTime, now),
    count: series?.count ?? (event.count ? event.count : 1),
    about: event.involvedObject,
    message: event.message ?? '',
    source: source(event.source?.component || event.reportingComponent, event.source?.host || event.reportingInstance),
  });
}

function newEvent(event: EventsV1Event, now: number): Cell[] {
  const first = since(event.deprecatedFirstTimestamp ?? event.eventTime, now);
  const last = event.series?.lastObservedTime ?? event.deprecatedLastTimestamp;
  return eventCells(event, {
    first,
    last: last === undefined ? first : since(last, now),
    count: event.series?.count ?? (event.deprecatedCount ? event.deprecatedCount : 1),
    about: event.regarding,
    message: event.note ?? '',
    source: source(event.deprecatedSource?.component || event.reportingController, event.deprecatedSource?.host || event.reportingInstance),
  });
}

function quotaText(quota: ResourceQuota, limits: boolean): string {
  const hard = quota.status?.hard ?? {};
  return Object.keys(hard)
    .filter((name) => name.startsWith('limits.') === limits)
    .sort()
    .map((name) => `${name}: ${quota.status?.used?.[name] ?? '0'}/${hard[name] ?? ''}`)
    .join(', ');
}

function requestCondition(request: CertificateSigningRequest): string {
  const conditions = (request.status?.conditions ?? []).filter(({ status }) => status !== 'False').map(({ type }) => type);
  const parts = [['Denied', 'Approved'].find((type) => conditions.includes(type)) ?? 'Pending'];
  if (conditions.includes('Failed')) parts.push('Failed');
  if (request.status?.certificate) parts.push('Issued');
  return parts.join(',');
}

/** By `group/Kind`. */
export const clusterTables: Readonly<Record<string, KindTable>> = {
  '/Node': kindTable<Node>(
    [
      'Name',
      'Status',
      'Roles',
      'Age',
      'Version',
      wide('Internal-IP'),
      wide('External-IP'),
      wide('OS-Image'),
      wide('Kernel-Version'),
      wide('Container-Runtime'),
    ],
    nodeCells,
  ),
  '/Namespace': kindTable<Namespace>(['Name', 'Status', 'Age'], (object, now) => [
    nameOf(object),
    object.status?.phase ?? '',
    age(object, now),
  ]),
  '/Event': kindTable<CoreV1Event>(eventColumns, coreEvent),
  'events.k8s.io/Event': kindTable<EventsV1Event>(eventColumns, newEvent),
  '/Secret': kindTable<Secret>(['Name', 'Type', 'Data', 'Age'], (object, now) => [
    nameOf(object),
    object.type ?? '',
    sizeOf(object.data),
    age(object, now),
  ]),
  '/ConfigMap': kindTable<ConfigMap>(['Name', 'Data', 'Age'], (object, now) => [
    nameOf(object),
    sizeOf(object.data) + sizeOf(object.binaryData),
    age(object, now),
  ]),
  '/ServiceAccount': kindTable<ServiceAccount>(['Name', 'Secrets', 'Age'], (object, now) => [
    nameOf(object),
    (object.secrets ?? []).length,
    age(object, now),
  ]),
  '/ComponentStatus': kindTable<ComponentStatus>(['Name', 'Status', 'Message', 'Error'], (object) => {
    const condition = object.conditions?.find(({ type }) => type === 'Healthy');
    const status = condition === undefined ? 'Unknown' : condition.status === 'True' ? 'Healthy' : 'Unhealthy';
    return [nameOf(object), status, condition?.message ?? '', condition?.error ?? ''];
  }),
  '/ResourceQuota': kindTable<ResourceQuota>(['Name', 'Request', 'Limit', 'Age'], (object, now) => [
    nameOf(object),
    quotaText(object, false),
    quotaText(object, true),
    age(object, now),
  ]),
  'certificates.k8s.io/CertificateSigningRequest': kindTable<CertificateSigningRequest>(
    ['Name', 'Age', 'SignerName', 'Requestor', 'RequestedDuration', 'Condition'],
    (object, now) => [
      nameOf(object),
      age(object, now),
      orNone(object.spec.signerName),
      object.spec.username ?? '',
      object.spec.expirationSeconds === undefined ? none : humanDuration(object.spec.expirationSeconds * 1000),
      requestCondition(object),
    ],
  ),
  'coordination.k8s.io/Lease': kindTable<Lease>(['Name', 'Holder', 'Age'], (object, now) => [
    nameOf(object),
    object.spec?.holderIdentity ?? '',
    age(object, now),
  ]),
  'scheduling.k8s.io/PriorityClass': kindTable<PriorityClass>(
    ['Name', integer('Value'), boolean('Global-Default'), 'Age', 'PreemptionPolicy'],
    (object, now) => [nameOf(object), object.value ?? 0, object.globalDefault ?? false, age(object, now), object.preemptionPolicy ?? ''],
  ),
  'node.k8s.io/RuntimeClass': kindTable<RuntimeClass>(['Name', 'Handler', 'Age'], (object, now) => [
    nameOf(object),
    object.handler,
    age(object, now),
  ]),
  'apiregistration.k8s.io/APIService': kindTable<APIService>(['Name', 'Service', 'Available', 'Age'], (object, now) => {
    const service = object.spec?.service;
    const available = object.status?.conditions?.find(({ type }) => type === 'Available');
    const why = available?.reason ? ` (${available.reason})` : '';
    return [
      nameOf(object),
      service === undefined ? 'Local' : `${service.namespace ?? ''}/${service.name ?? ''}`,
      available?.status === 'True' ? 'True' : `${available?.status ?? 'Unknown'}${why}`,
      age(object, now),
    ];
  }),
};
