import type { NodeUsage, Usage } from './usage.ts';

/** Counters of one reading: nanoseconds of CPU by what used them. */
export interface CpuCounters {
  readonly atMs: number;
  readonly nanos: ReadonlyMap<string, number>;
}

interface Measured {
  readonly cpu?: { readonly usageNanoCores?: number; readonly usageCoreNanoSeconds?: number };
  readonly memory?: { readonly workingSetBytes?: number };
}

interface Summary {
  readonly node?: Measured;
  readonly pods?: readonly {
    readonly podRef?: { readonly name?: string; readonly namespace?: string };
    readonly containers?: readonly (Measured & { readonly name?: string })[];
  }[];
}

/** A counter that is older tells too little of now. */
const maxWindowMs = 120_000;
const minWindowMs = 1000;

/**
 * Reads a node's `/stats/summary`. CPU is the growth of the counters since `before`; without an earlier reading
 * it is the node's own estimate. Throws for what is no summary.
 */
export function readSummary(text: string, atMs: number, before: CpuCounters | undefined): { usage: NodeUsage; counters: CpuCounters } {
  const summary = JSON.parse(text) as Summary;
  const elapsedMs = before === undefined ? 0 : atMs - before.atMs;
  const comparable = elapsedMs >= minWindowMs && elapsedMs <= maxWindowMs;
  const nanos = new Map<string, number>();
  const usageOf = (id: string, { cpu, memory }: Measured): Usage => {
    const counter = cpu?.usageCoreNanoSeconds;
    if (counter !== undefined) nanos.set(id, counter);
    const earlier = before?.nanos.get(id);
    // A counter that fell belongs to a container that was started anew.
    const grown = comparable && counter !== undefined && earlier !== undefined && counter >= earlier ? counter - earlier : undefined;
    const cpuNano = grown === undefined ? (cpu?.usageNanoCores ?? 0) : (grown / elapsedMs) * 1000;
    return { cpuNano, memoryBytes: memory?.workingSetBytes ?? 0 };
  };
  const node = usageOf('', summary.node ?? {});
  const pods = new Map<string, ReadonlyMap<string, Usage>>();
  for (const { podRef, containers = [] } of summary.pods ?? []) {
    const key = `${podRef?.namespace ?? ''}/${podRef?.name ?? ''}`;
    const usages = containers.map((one) => [one.name ?? '', usageOf(`${key}/${one.name ?? ''}`, one)] as const);
    if (usages.length > 0) pods.set(key, new Map(usages));
  }
  return { usage: { atMs, windowMs: comparable ? elapsedMs : 10_000, node, pods }, counters: { atMs, nanos } };
}
