import type { Node, NodeCondition, NodeStatus } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { ContainerImage } from '@bayplan/api';
import type { HostInfo } from './host-info.ts';
import type { Pressure } from './pressure.ts';

export const kubeletVersion = 'v1.36.0-bayplan';

export interface NodeFacts {
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly maxPods: number;
  readonly host: HostInfo;
  readonly reserved: { readonly cpuMilli: number; readonly memoryBytes: number };
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly runtime: { readonly name: string; readonly version: string; readonly handlers: readonly string[] };
  readonly images: readonly ContainerImage[];
  readonly pressure: Pressure;
  /** Why the node is not ready; undefined when it is. */
  readonly notReady: string | undefined;
  readonly nowMs: number;
  /** The conditions reported last. */
  readonly previous: readonly NodeCondition[];
}

/** Labels that every node carries. */
export function nodeLabels(facts: Pick<NodeFacts, 'name' | 'host' | 'labels'>): Record<string, string> {
  return {
    'kubernetes.io/hostname': facts.name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': facts.host.architecture,
    'beta.kubernetes.io/os': 'linux',
    'beta.kubernetes.io/arch': facts.host.architecture,
    ...facts.labels,
  };
}

export function newNode(facts: NodeFacts): Node {
  const metadata = { name: facts.name, labels: nodeLabels(facts), annotations: { ...facts.annotations } };
  return { apiVersion: 'v1', kind: 'Node', metadata, spec: {}, status: nodeStatus(facts) };
}

/** What the agent reports of its node. Pure. */
export function nodeStatus(facts: NodeFacts): NodeStatus {
  const { host } = facts;
  const amounts = (cpuMilli: number, memoryBytes: number): Record<string, string> => ({
    cpu: cpuMilli % 1000 === 0 ? String(cpuMilli / 1000) : `${String(cpuMilli)}m`,
    'ephemeral-storage': `${String(Math.floor(host.ephemeralBytes / 1024))}Ki`,
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: `${String(Math.floor(memoryBytes / 1024))}Ki`,
    pods: String(facts.maxPods),
  });
  const cpuMilli = host.cpuCount * 1000;
  return {
    capacity: amounts(cpuMilli, host.memoryBytes),
    allocatable: amounts(cpuMilli - facts.reserved.cpuMilli, host.memoryBytes - facts.reserved.memoryBytes),
    conditions: conditions(facts),
    addresses: [
      { type: 'InternalIP', address: facts.ip },
      { type: 'Hostname', address: facts.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: facts.port } },
    nodeInfo: {
      machineID: host.machineId,
      systemUUID: host.systemUuid,
      bootID: host.bootId,
      kernelVersion: host.kernelVersion,
      osImage: host.osImage,
      containerRuntimeVersion: `${facts.runtime.name}://${facts.runtime.version}`,
      kubeletVersion,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: host.architecture,
      ...(host.swapBytes === 0 ? {} : { swap: { capacity: host.swapBytes } }),
    },
    images: [...facts.images],
    runtimeHandlers: facts.runtime.handlers.map((name) => ({ name, features: { recursiveReadOnlyMounts: false, userNamespaces: false } })),
  };
}

function conditions(facts: NodeFacts): NodeCondition[] {
  const { pressure } = facts;
  const pressed = (type: string, short: boolean, bad: [string, string], good: [string, string]): NodeCondition => {
    const [reason, message] = short ? bad : good;
    return { type, status: short ? 'True' : 'False', reason, message };
  };
  const list: NodeCondition[] = [
    pressed(
      'MemoryPressure',
      pressure.memory,
      ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
      ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    ),
    pressed(
      'DiskPressure',
      pressure.disk,
      ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
      ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    ),
    pressed(
      'PIDPressure',
      pressure.pids,
      ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
      ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    ),
    facts.notReady === undefined
      ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: facts.notReady },
  ];
  return list.map((condition) => {
    const before = facts.previous.find((one) => one.type === condition.type);
    const since = before?.status === condition.status ? before.lastTransitionTime : undefined;
    return { ...condition, lastHeartbeatTime: timestamp(facts.nowMs), lastTransitionTime: since ?? timestamp(facts.nowMs) };
  });
}

/** The status without what changes with every report: two that are equal need not be written. */
export function comparable(status: NodeStatus): string {
  return JSON.stringify({
    ...status,
    conditions: (status.conditions ?? []).map((condition) => ({ ...condition, lastHeartbeatTime: undefined })),
  });
}
