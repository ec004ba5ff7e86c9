import { milliOf, unitsOf } from '@bayplan/api';
import type { Node, Pod } from '@bayplan/api';
import type { NodeUsage, Usage } from './usage.ts';

const hollowLabel = 'simulator.bayplan.io/hollow';
/** On a pod: what each of its containers shall seem to use. */
const cpuAnnotation = 'simulator.bayplan.io/cpu-usage';
const memoryAnnotation = 'simulator.bayplan.io/memory-usage';
const nodeOverhead: Usage = { cpuNano: 50_000_000, memoryBytes: 200 * 1024 * 1024 };

export function isSimulated(node: Node): boolean {
  return node.metadata.labels?.[hollowLabel] === 'true';
}

/** What a simulated node says: containers use half of what they ask for, or what the pod's annotations say. */
export function syntheticUsage(pods: Iterable<Pod>, nowMs: number): NodeUsage {
  const found = new Map<string, ReadonlyMap<string, Usage>>();
  let { cpuNano, memoryBytes } = nodeOverhead;
  for (const pod of pods) {
    if (pod.status?.phase !== 'Running') continue;
    const containers = new Map<string, Usage>();
    for (const container of pod.spec?.containers ?? []) {
      const usage = usageOf(pod, container.resources?.requests);
      cpuNano += usage.cpuNano;
      memoryBytes += usage.memoryBytes;
      containers.set(container.name, usage);
    }
    found.set(`${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''}`, containers);
  }
  return { atMs: nowMs, windowMs: 15_000, node: { cpuNano, memoryBytes }, pods: found };
}

function usageOf(pod: Pod, requests: Readonly<Record<string, string>> | undefined): Usage {
  const { annotations = {} } = pod.metadata;
  const cpuMilli = read(() => milliOf(annotations[cpuAnnotation])) ?? milliOf(requests?.['cpu'] ?? '2m') / 2;
  const memoryBytes = read(() => unitsOf(annotations[memoryAnnotation])) ?? unitsOf(requests?.['memory'] ?? '8Mi') / 2;
  return { cpuNano: cpuMilli * 1_000_000, memoryBytes };
}

/** Annotations are free text: what is no quantity counts as absent. */
function read(parse: () => number): number | undefined {
  try {
    const value = parse();
    return value > 0 ? value : undefined;
  } catch {
    return undefined;
  }
}
