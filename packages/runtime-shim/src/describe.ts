import type { Container, ContainerState, ContainerStatus, Draft, PodSandbox, PodSandboxState, PodSandboxStatus } from '@bayplan/rpc';
import type { ContainerRecord, SandboxRecord } from './state/records.ts';

/** CRI's view of the records: pure, shared by the list, status and event verbs. */

const containerStates: Readonly<Record<ContainerRecord['phase'], ContainerState>> = {
  creating: 'CONTAINER_UNKNOWN',
  created: 'CONTAINER_CREATED',
  running: 'CONTAINER_RUNNING',
  exited: 'CONTAINER_EXITED',
};

export const containerState = (record: ContainerRecord): ContainerState => containerStates[record.phase];

export const sandboxState = (record: SandboxRecord): PodSandboxState => (record.phase === 'ready' ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY');

export function describeContainer(record: ContainerRecord): Draft<Container> {
  const { config } = record;
  return {
    id: record.id,
    podSandboxId: record.sandboxId,
    metadata: config.metadata,
    image: config.image,
    imageRef: record.imageRef,
    imageId: record.imageId,
    state: containerState(record),
    createdAt: record.createdAt,
    labels: config.labels,
    annotations: config.annotations,
  };
}

export function describeContainerStatus(record: ContainerRecord): Draft<ContainerStatus> {
  const { config, user } = record;
  return {
    ...describeContainer(record),
    startedAt: record.startedAt,
    finishedAt: record.finishedAt,
    exitCode: record.exitCode,
    reason: record.reason,
    message: record.message,
    mounts: config.mounts,
    logPath: record.logPath,
    resources: { linux: record.resources },
    user: { linux: { uid: user.uid, gid: user.gid, supplementalGroups: [user.gid, ...user.groups] } },
    stopSignal: config.stopSignal,
  };
}

export function describeSandbox(record: SandboxRecord): Draft<PodSandbox> {
  const { config } = record;
  return {
    id: record.id,
    metadata: config.metadata,
    state: sandboxState(record),
    createdAt: record.createdAt,
    labels: config.labels,
    annotations: config.annotations,
    runtimeHandler: record.runtimeHandler,
  };
}

export function describeSandboxStatus(record: SandboxRecord): Draft<PodSandboxStatus> {
  const [ip, ...more] = record.ips;
  const options = record.config.linux?.securityContext?.namespaceOptions;
  return {
    ...describeSandbox(record),
    network: ip === undefined ? {} : { ip, additionalIps: more.map((other) => ({ ip: other })) },
    linux: { namespaces: { options: options ?? {} } },
  };
}

/** Whether labels hold every pair of the selector. */
export function matchesLabels(labels: Readonly<Record<string, string>>, selector: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
