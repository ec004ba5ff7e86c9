import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type {
  ContainerStats,
  ContainerStatsFilter,
  CpuUsage,
  Draft,
  MemoryUsage,
  NetworkUsage,
  PodSandboxStats,
  PodSandboxStatsFilter,
} from '@bayplan/rpc';
import { hostLinkName } from '@bayplan/pod-network';
import { readCgroupUsage } from '../cgroup-usage.ts';
import type { CgroupUsage } from '../cgroup-usage.ts';
import { matchesLabels } from '../describe.ts';
import { containerOf, containersIn, nowNanos, sandboxOf } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import type { ContainerRecord, SandboxRecord } from '../state/records.ts';

const cgroupMount = '/sys/fs/cgroup';
const value = (number: number | undefined): { value: number } | undefined => (number === undefined ? undefined : { value: number });

function cpuUsage(runtime: Runtime, id: string, usage: CgroupUsage, timestamp: number): Draft<CpuUsage> {
  const rate = usage.cpuNanos === undefined ? undefined : runtime.rates.perSecond(id, usage.cpuNanos, timestamp);
  return { timestamp, usageCoreNanoSeconds: value(usage.cpuNanos), usageNanoCores: value(rate) };
}

function memoryUsage(usage: CgroupUsage, timestamp: number): Draft<MemoryUsage> {
  const { memoryLimitBytes: limit, workingSetBytes } = usage;
  return {
    timestamp,
    workingSetBytes: value(workingSetBytes),
    usageBytes: value(usage.memoryBytes),
    rssBytes: value(usage.rssBytes),
    pageFaults: value(usage.pageFaults),
    majorPageFaults: value(usage.majorPageFaults),
    availableBytes: value(limit === undefined || workingSetBytes === undefined ? undefined : Math.max(0, limit - workingSetBytes)),
  };
}

async function statsOf(runtime: Runtime, record: ContainerRecord): Promise<Draft<ContainerStats>> {
  const timestamp = nowNanos(runtime);
  const { metadata, labels, annotations } = record.config;
  const attributes = { id: record.id, metadata, labels, annotations };
  if (record.phase !== 'running') return { attributes };
  const usage = await readCgroupUsage(cgroupMount, record.cgroupPath, runtime.cgroupV2);
  return {
    attributes,
    cpu: cpuUsage(runtime, record.id, usage, timestamp),
    memory: memoryUsage(usage, timestamp),
    ...(usage.swapBytes === undefined ? {} : { swap: { timestamp, swapUsageBytes: value(usage.swapBytes) } }),
  };
}

export async function containerStats(runtime: Runtime, containerId: string): Promise<{ stats: Draft<ContainerStats> }> {
  return { stats: await statsOf(runtime, containerOf(runtime, containerId)) };
}

/** Usage of the running containers that pass the filter. */
export async function listContainerStats(runtime: Runtime, filter: ContainerStatsFilter | undefined): Promise<Draft<ContainerStats>[]> {
  runtime.rates.retain((id) => runtime.containers.get(id) !== undefined || runtime.sandboxes.get(id) !== undefined);
  const wanted = runtime.containers
    .all()
    .filter(
      (record) =>
        record.phase === 'running' &&
        record.id.startsWith(filter?.id ?? '') &&
        record.sandboxId.startsWith(filter?.podSandboxId ?? '') &&
        matchesLabels(record.config.labels, filter?.labelSelector ?? {}),
    );
  return Promise.all(wanted.map((record) => statsOf(runtime, record)));
}

async function sandboxStatsOf(runtime: Runtime, record: SandboxRecord): Promise<Draft<PodSandboxStats>> {
  const timestamp = nowNanos(runtime);
  const { metadata, labels, annotations } = record.config;
  const attributes = { id: record.id, metadata, labels, annotations };
  const running = containersIn(runtime, record.id).filter((container) => container.phase === 'running');
  const containers = await Promise.all(running.map((container) => statsOf(runtime, container)));
  const parent = record.config.linux?.cgroupParent ?? '';
  const usage = parent === '' ? undefined : await readCgroupUsage(cgroupMount, parent, runtime.cgroupV2);
  const network = record.ips.length > 0 && record.phase === 'ready' ? await networkUsage(record.id, timestamp) : undefined;
  return {
    attributes,
    linux: {
      containers,
      ...(network === undefined ? {} : { network }),
      ...(usage === undefined
        ? {}
        : {
            cpu: cpuUsage(runtime, record.id, usage, timestamp),
            memory: memoryUsage(usage, timestamp),
            process: { timestamp, processCount: value(usage.processes) },
          }),
    },
  };
}

/** The pod's traffic, read at the host's end of its link, where directions are reversed. */
async function networkUsage(sandboxId: string, timestamp: number): Promise<Draft<NetworkUsage>> {
  const folder = path.join('/sys/class/net', hostLinkName(sandboxId), 'statistics');
  const count = async (name: string): Promise<{ value: number } | undefined> =>
    value(await readFile(path.join(folder, name), 'utf8').then(Number, () => undefined));
  const [rxBytes, rxErrors, txBytes, txErrors] = await Promise.all(['tx_bytes', 'tx_errors', 'rx_bytes', 'rx_errors'].map(count));
  const eth0 = { name: 'eth0', rxBytes, rxErrors, txBytes, txErrors };
  return { timestamp, defaultInterface: eth0, interfaces: [eth0] };
}

export async function podSandboxStats(runtime: Runtime, sandboxId: string): Promise<{ stats: Draft<PodSandboxStats> }> {
  return { stats: await sandboxStatsOf(runtime, sandboxOf(runtime, sandboxId)) };
}

export async function listPodSandboxStats(runtime: Runtime, filter: PodSandboxStatsFilter | undefined): Promise<Draft<PodSandboxStats>[]> {
  const wanted = runtime.sandboxes
    .all()
    .filter(
      (record) =>
        record.phase === 'ready' &&
        record.id.startsWith(filter?.id ?? '') &&
        matchesLabels(record.config.labels, filter?.labelSelector ?? {}),
    );
  return Promise.all(wanted.map((record) => sandboxStatsOf(runtime, record)));
}
