import type { Node, NodeCondition } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';

/** What one simulated node offers. Quantities as Kubernetes writes them. */
export interface HollowNodeShape {
  readonly cpu: string;
  readonly memory: string;
  readonly pods: string;
  readonly ephemeralStorage: string;
  readonly labels: Readonly<Record<string, string>>;
}

export const defaultShape: HollowNodeShape = { cpu: '32', memory: '256Gi', pods: '1000', ephemeralStorage: '1Ti', labels: {} };

/** Nodes carry this label, by which they are told from real ones. */
export const hollowLabel = 'simulator.bayplan.io/hollow';

/** An address of the benchmark range 198.18.0.0/15 (RFC 2544), which no real network uses. */
export function hollowNodeAddress(index: number): string {
  const number = index + 1;
  return `198.${String(18 + ((number >> 16) & 1))}.${String((number >> 8) & 255)}.${String(number & 255)}`;
}

export function hollowNode(name: string, index: number, shape: HollowNodeShape, nowMs: number): Node {
  const amounts = { cpu: shape.cpu, memory: shape.memory, pods: shape.pods, 'ephemeral-storage': shape.ephemeralStorage };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'topology.kubernetes.io/zone': `zone-${String(index % 3)}`,
        [hollowLabel]: 'true',
        ...shape.labels,
      },
      // It takes local volumes and keeps nothing.
      annotations: { 'bayplan.io/local-path': '' },
    },
    spec: {},
    status: {
      capacity: amounts,
      allocatable: amounts,
      conditions: hollowConditions(nowMs, []),
      addresses: [
        { type: 'InternalIP', address: hollowNodeAddress(index) },
        { type: 'Hostname', address: name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {
        machineID: name,
        systemUUID: name,
        bootID: name,
        kernelVersion: '0.0.0-hollow',
        osImage: 'Hollow node',
        containerRuntimeVersion: 'hollow://1.0.0',
        kubeletVersion: 'v1.36.0-bayplan',
        kubeProxyVersion: '',
        operatingSystem: 'linux',
        architecture: 'amd64',
      },
    },
  };
}

const facts = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
] as const;

/** The conditions of a healthy node; those in `previous` that do not change keep their time of transition. */
export function hollowConditions(nowMs: number, previous: readonly NodeCondition[]): NodeCondition[] {
  return facts.map(([type, status, reason, message]) => {
    const before = previous.find((condition) => condition.type === type);
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? timestamp(nowMs)) : timestamp(nowMs);
    return { type, status, reason, message, lastHeartbeatTime: timestamp(nowMs), lastTransitionTime };
  });
}

export function isReady(node: Node): boolean {
  return node.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}
