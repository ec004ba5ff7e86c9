import { milliOf, unitsOf } from '@bayplan/api';
import type { Container, Pod, ResourceRequirements } from '@bayplan/api';
import type { LinuxContainerResources } from '@bayplan/rpc';
import { cpuPeriodUs } from '../cgroups/pod-cgroups.ts';
import type { CgroupLimits } from '../cgroups/pod-cgroups.ts';
import { qosClassOf } from './qos.ts';

const smallestShares = 2;
const smallestQuotaUs = 1000;

/** CPU weight on the v1 scale, where a whole CPU is 1024. */
export function cpuShares(milli: number): number {
  return Math.min(Math.max(smallestShares, Math.floor((milli * 1024) / 1000)), 262_144);
}

function cpuQuotaUs(milli: number): number {
  return Math.max(smallestQuotaUs, (milli * cpuPeriodUs) / 1000);
}

/** What the runtime sets on one container. */
export function containerResources(
  pod: Pod,
  container: Container,
  node: { readonly memoryBytes: number; readonly lowestOomScoreAdj: number },
): Partial<LinuxContainerResources> {
  const { cpuLimit, memoryLimit, cpuRequest } = wanted(container.resources);
  return {
    cpuShares: cpuShares(cpuRequest ?? cpuLimit ?? 0),
    ...(cpuLimit === undefined ? {} : { cpuPeriod: cpuPeriodUs, cpuQuota: cpuQuotaUs(cpuLimit) }),
    ...(memoryLimit === undefined ? {} : { memoryLimitInBytes: memoryLimit }),
    oomScoreAdj: oomScoreAdj(pod, container, node),
  };
}

/** Limits of the pod's own cgroup: sums over its containers, where all of them set the value. */
export function podLimits(pod: Pod): CgroupLimits {
  const spec = pod.spec;
  const mains = (spec?.containers ?? []).map((container) => wanted(container.resources));
  const sidecars = (spec?.initContainers ?? [])
    .filter((container) => container.restartPolicy === 'Always')
    .map((container) => wanted(container.resources));
  const inits = (spec?.initContainers ?? [])
    .filter((container) => container.restartPolicy !== 'Always')
    .map((container) => wanted(container.resources));
  const running = [...mains, ...sidecars];
  const own = wanted(spec?.resources);
  const sum = (pick: (one: Wanted) => number | undefined): number => running.reduce((total, one) => total + (pick(one) ?? 0), 0);
  const most = (pick: (one: Wanted) => number | undefined): number => inits.reduce((highest, one) => Math.max(highest, pick(one) ?? 0), 0);
  const all = (pick: (one: Wanted) => number | undefined): boolean => [...running, ...inits].every((one) => pick(one) !== undefined);
  const requested =
    own.cpuRequest ??
    Math.max(
      sum((one) => one.cpuRequest ?? one.cpuLimit),
      most((one) => one.cpuRequest ?? one.cpuLimit),
    );
  const cpuLimit =
    own.cpuLimit ??
    (all((one) => one.cpuLimit)
      ? Math.max(
          sum((one) => one.cpuLimit),
          most((one) => one.cpuLimit),
        )
      : undefined);
  const memoryLimit =
    own.memoryLimit ??
    (all((one) => one.memoryLimit)
      ? Math.max(
          sum((one) => one.memoryLimit),
          most((one) => one.memoryLimit),
        )
      : undefined);
  return {
    cpuShares: cpuShares(requested),
    cpuQuotaUs: cpuLimit === undefined ? undefined : cpuQuotaUs(cpuLimit),
    memoryBytes: memoryLimit,
  };
}

/**
 * Who is killed first when memory runs out: -997 for Guaranteed, 1000 for BestEffort, and between them
 * the less of the node's memory a Burstable container asks for, the sooner. Source: Kubernetes'
 * documented formula. Values below what this process may set would make the runtime fail.
 */
export function oomScoreAdj(
  pod: Pod,
  container: Container,
  node: { readonly memoryBytes: number; readonly lowestOomScoreAdj: number },
): number {
  const score = (): number => {
    switch (qosClassOf(pod)) {
      case 'Guaranteed':
        return -997;
      case 'BestEffort':
        return 1000;
      case 'Burstable': {
        const request = wanted(container.resources).memoryRequest ?? 0;
        return Math.min(Math.max(3, Math.floor(1000 - (1000 * request) / node.memoryBytes)), 999);
      }
    }
  };
  return Math.max(score(), node.lowestOomScoreAdj);
}

interface Wanted {
  readonly cpuRequest: number | undefined;
  readonly cpuLimit: number | undefined;
  readonly memoryRequest: number | undefined;
  readonly memoryLimit: number | undefined;
}

function wanted(resources: ResourceRequirements | undefined): Wanted {
  const positive = (value: number): number | undefined => (value > 0 ? value : undefined);
  const read = (text: string | undefined, parse: (text: string) => number): number | undefined =>
    text === undefined ? undefined : positive(parse(text));
  const memoryLimit = read(resources?.limits?.['memory'], unitsOf);
  return {
    cpuRequest: read(resources?.requests?.['cpu'], milliOf),
    cpuLimit: read(resources?.limits?.['cpu'], milliOf),
    memoryRequest: read(resources?.requests?.['memory'], unitsOf) ?? memoryLimit,
    memoryLimit,
  };
}
