/** What something uses: CPU in billionths of a core, memory in bytes. */
export interface Usage {
  readonly cpuNano: number;
  readonly memoryBytes: number;
}

/** What a node and the containers on it use. */
export interface NodeUsage {
  readonly atMs: number;
  /** The time that the CPU figures are averages of. */
  readonly windowMs: number;
  readonly node: Usage;
  /** By pod `namespace/name`, then by container. */
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, Usage>>;
}

/** Usage in the API's form: whole nano-cores and kibibytes, as metrics-server writes them. */
export function usageList({ cpuNano, memoryBytes }: Usage): { cpu: string; memory: string } {
  return { cpu: cpuNano <= 0 ? '0' : `${Math.round(cpuNano).toString()}n`, memory: `${Math.ceil(memoryBytes / 1024).toString()}Ki` };
}
