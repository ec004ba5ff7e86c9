import type { MetricsRegistry } from '@bayplan/component-base';
import type { ContainerStats, PodSandboxStats } from '@bayplan/rpc';
import { containerNameLabel, podNameLabel, podNamespaceLabel, podUidLabel } from '../runtime/labels.ts';
import type { PodContext } from '../pods/pod-context.ts';
import type { Handler } from './node-api.ts';
import { readMachineUsage } from './machine-usage.ts';
import type { MachineUsage } from './machine-usage.ts';
import { NodeApiError, sendJson, sendText } from './node-api.ts';

/** `/metrics`, `/metrics/cadvisor`, `/metrics/resource` and `/stats/summary`, read from the runtime when asked. */
export function statsHandlers(context: PodContext, registry: MetricsRegistry): { readonly metrics: Handler; readonly summary: Handler } {
  const podStats = async (signal: AbortSignal): Promise<PodSandboxStats[]> =>
    (await context.runtime.operation('list_podsandbox_stats', () => context.runtime.cri.runtime.listPodSandboxStats({}, { signal }))).stats;
  /** The reading before this one: a rate needs two. */
  let previous: { readonly atMs: number; readonly cpuNanos: number } | undefined;
  return {
    async metrics(_request, response, url, signal) {
      switch (url.pathname.replace(/\/$/, '')) {
        case '/metrics':
          sendText(response, 200, await registry.metrics(), registry.contentType);
          return;
        case '/metrics/cadvisor':
          sendText(response, 200, cadvisorText(await podStats(signal), context), registry.contentType);
          return;
        case '/metrics/resource':
          sendText(response, 200, resourceText(await podStats(signal), await readMachineUsage()), registry.contentType);
          return;
        default:
          throw new NodeApiError(404, '404 page not found');
      }
    },
    async summary(_request, response, url, signal) {
      if (!/^\/stats\/summary\/?$/.test(url.pathname)) throw new NodeApiError(404, '404 page not found');
      const pods = (await podStats(signal)).map(podSummary);
      const { cpuNanos, ...memory } = await readMachineUsage();
      const atMs = context.clock.monotonic();
      const elapsedMs = previous === undefined ? 0 : atMs - previous.atMs;
      const usageNanoCores =
        previous === undefined || elapsedMs <= 0 ? 0 : Math.max(0, Math.round(((cpuNanos - previous.cpuNanos) / elapsedMs) * 1000));
      previous = { atMs, cpuNanos };
      sendJson(response, {
        node: { nodeName: context.nodeName, cpu: { usageNanoCores, usageCoreNanoSeconds: cpuNanos }, memory },
        pods,
      });
    },
  };
}

/** Collects samples and prints them in Prometheus' text format, one block a metric. */
class Exposition {
  readonly #metrics = new Map<string, { readonly type: string; readonly help: string; readonly lines: string[] }>();

  add(name: string, type: 'counter' | 'gauge', help: string, labels: Readonly<Record<string, string>>, value: number | undefined): void {
    if (value === undefined) return;
    const metric = this.#metrics.get(name) ?? { type, help, lines: [] };
    this.#metrics.set(name, metric);
    const pairs = Object.entries(labels).map(
      ([key, text]) => `${key}="${text.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))}"`,
    );
    metric.lines.push(`${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${String(value)}`);
  }

  text(): string {
    return [...this.#metrics]
      .map(([name, { type, help, lines }]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('\n')}\n`)
      .join('');
  }
}

function containerLabels(stats: ContainerStats): Record<string, string> {
  const labels = stats.attributes?.labels ?? {};
  return {
    container: labels[containerNameLabel] ?? stats.attributes?.metadata?.name ?? '',
    namespace: labels[podNamespaceLabel] ?? '',
    pod: labels[podNameLabel] ?? '',
  };
}

function cadvisorText(pods: readonly PodSandboxStats[], context: PodContext): string {
  const out = new Exposition();
  out.add('machine_cpu_cores', 'gauge', 'Number of logical CPU cores.', {}, context.allocatable.cpuMilli / 1000);
  out.add('machine_memory_bytes', 'gauge', 'Amount of memory installed on the machine.', {}, context.machine.memoryBytes);
  for (const pod of pods) {
    const podLabels = {
      container: '',
      id: `/kubepods/pod${pod.attributes?.metadata?.uid ?? ''}`,
      image: '',
      name: '',
      namespace: pod.attributes?.metadata?.namespace ?? '',
      pod: pod.attributes?.metadata?.name ?? '',
    };
    addUsage(out, podLabels, pod.linux?.cpu?.usageCoreNanoSeconds?.value, pod.linux?.memory);
    const network = pod.linux?.network;
    for (const one of network?.interfaces.length === 0 && network.defaultInterface !== undefined
      ? [network.defaultInterface]
      : (network?.interfaces ?? [])) {
      const labels = { id: podLabels.id, image: '', interface: one.name, name: '', namespace: podLabels.namespace, pod: podLabels.pod };
      out.add('container_network_receive_bytes_total', 'counter', 'Cumulative count of bytes received', labels, one.rxBytes?.value);
      out.add(
        'container_network_receive_errors_total',
        'counter',
        'Cumulative count of errors encountered while receiving',
        labels,
        one.rxErrors?.value,
      );
      out.add('container_network_transmit_bytes_total', 'counter', 'Cumulative count of bytes transmitted', labels, one.txBytes?.value);
      out.add(
        'container_network_transmit_errors_total',
        'counter',
        'Cumulative count of errors encountered while transmitting',
        labels,
        one.txErrors?.value,
      );
    }
    for (const container of pod.linux?.containers ?? []) {
      const labels = {
        ...containerLabels(container),
        id: `${podLabels.id}/${container.attributes?.id ?? ''}`,
        image: container.attributes?.annotations['io.kubernetes.container.image'] ?? '',
        name: container.attributes?.id ?? '',
      };
      addUsage(out, labels, container.cpu?.usageCoreNanoSeconds?.value, container.memory);
    }
  }
  return out.text();
}

function addUsage(
  out: Exposition,
  labels: Readonly<Record<string, string>>,
  cpuNanoseconds: number | undefined,
  memory: ContainerStats['memory'],
): void {
  if (cpuNanoseconds !== undefined)
    out.add(
      'container_cpu_usage_seconds_total',
      'counter',
      'Cumulative cpu time consumed in seconds.',
      { ...labels, cpu: 'total' },
      cpuNanoseconds / 1e9,
    );
  out.add('container_memory_working_set_bytes', 'gauge', 'Current working set in bytes.', labels, memory?.workingSetBytes?.value);
  out.add(
    'container_memory_usage_bytes',
    'gauge',
    'Current memory usage in bytes, including all memory regardless of when it was accessed',
    labels,
    memory?.usageBytes?.value,
  );
  out.add('container_memory_rss', 'gauge', 'Size of RSS in bytes.', labels, memory?.rssBytes?.value);
}

function resourceText(pods: readonly PodSandboxStats[], machine: MachineUsage): string {
  const out = new Exposition();
  for (const pod of pods) {
    const labels = { namespace: pod.attributes?.metadata?.namespace ?? '', pod: pod.attributes?.metadata?.name ?? '' };
    const podCpu = pod.linux?.cpu?.usageCoreNanoSeconds?.value ?? 0;
    const podMemory = pod.linux?.memory?.workingSetBytes?.value ?? 0;
    out.add('pod_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the pod in core-seconds', labels, podCpu / 1e9);
    out.add('pod_memory_working_set_bytes', 'gauge', 'Current working set of the pod in bytes', labels, podMemory);
    for (const container of pod.linux?.containers ?? []) {
      const own = { ...containerLabels(container) };
      out.add(
        'container_cpu_usage_seconds_total',
        'counter',
        'Cumulative cpu time consumed by the container in core-seconds',
        own,
        (container.cpu?.usageCoreNanoSeconds?.value ?? 0) / 1e9,
      );
      out.add(
        'container_memory_working_set_bytes',
        'gauge',
        'Current working set of the container in bytes',
        own,
        container.memory?.workingSetBytes?.value,
      );
    }
  }
  out.add(
    'node_cpu_usage_seconds_total',
    'counter',
    'Cumulative cpu time consumed by the node in core-seconds',
    {},
    machine.cpuNanos / 1e9,
  );
  out.add('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes', {}, machine.workingSetBytes);
  out.add('resource_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', {}, 0);
  return out.text();
}

function podSummary(pod: PodSandboxStats): {
  podRef: { name: string; namespace: string; uid: string };
  containers: { name: string; cpu: Usage; memory: Memory }[];
  cpu: Usage;
  memory: Memory;
} {
  const { metadata, labels } = pod.attributes ?? {};
  return {
    podRef: { name: metadata?.name ?? '', namespace: metadata?.namespace ?? '', uid: metadata?.uid ?? labels?.[podUidLabel] ?? '' },
    containers: (pod.linux?.containers ?? []).map((container) => ({
      name: containerLabels(container)['container'] ?? '',
      cpu: usage(container.cpu),
      memory: memoryOf(container.memory),
    })),
    cpu: usage(pod.linux?.cpu),
    memory: memoryOf(pod.linux?.memory),
  };
}

interface Usage {
  readonly usageNanoCores: number;
  readonly usageCoreNanoSeconds: number;
}

interface Memory {
  readonly workingSetBytes: number;
  readonly usageBytes: number;
  readonly rssBytes: number;
}

function usage(cpu: ContainerStats['cpu']): Usage {
  return { usageNanoCores: cpu?.usageNanoCores?.value ?? 0, usageCoreNanoSeconds: cpu?.usageCoreNanoSeconds?.value ?? 0 };
}

function memoryOf(memory: ContainerStats['memory']): Memory {
  return {
    workingSetBytes: memory?.workingSetBytes?.value ?? 0,
    usageBytes: memory?.usageBytes?.value ?? 0,
    rssBytes: memory?.rssBytes?.value ?? 0,
  };
}
