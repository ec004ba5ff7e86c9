import { findResourceOfKind, isNotFound, milliOf, selectorOf } from '@bayplan/api';
import type { KubeObject, LabelSelector, ResourceRef } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import { groupVersionOf } from '../scale/scale-targets.ts';
import type { ScaleTargets } from '../scale/scale-targets.ts';

/** What one pod was measured at. Amounts are thousandths. */
export interface PodSample {
  readonly value: number;
  readonly atMs: number;
  readonly windowMs: number;
}

export type PodSamples = ReadonlyMap<string, PodSample>;

interface PodMetrics extends KubeObject {
  readonly timestamp?: string;
  readonly window?: string;
  readonly containers?: readonly { readonly name: string; readonly usage?: Readonly<Record<string, string>> }[];
}

interface MetricValues extends KubeObject {
  readonly items?: readonly {
    readonly describedObject?: { readonly name?: string };
    readonly timestamp?: string;
    readonly windowSeconds?: number;
    readonly value?: string;
  }[];
}

/** A resource of an aggregated API, which has no types of its own here. */
function untyped<T extends KubeObject>(group: string, version: string, resource: string, kind: string): ResourceRef<T> {
  return { group, version, resource, kind, namespaced: true };
}

const podMetrics = untyped<PodMetrics>('metrics.k8s.io', 'v1beta1', 'pods', 'PodMetrics');
const customVersions = ['v1beta2', 'v1beta1'] as const;
const defaultWindowMs = 60_000;

/** Reads the resource, custom and external metrics APIs, whoever serves them. */
export class MetricsClient {
  readonly #client: Client;
  readonly #targets: ScaleTargets;
  readonly #signal: AbortSignal;

  constructor(client: Client, targets: ScaleTargets, signal: AbortSignal) {
    this.#client = client;
    this.#targets = targets;
    this.#signal = signal;
  }

  /** Use of a resource by pods, or by one container of each. Pods of which a container is not measured are left out. */
  async resource(namespace: string, selector: string, resource: string, container?: string): Promise<PodSamples> {
    const { items } = await this.#client.list(podMetrics, { namespace, labelSelector: selector, signal: this.#signal });
    if (items.length === 0) throw new Error('no metrics returned from resource metrics API');
    const samples = new Map<string, PodSample>();
    for (const { metadata, timestamp, window, containers = [] } of items) {
      const counted = container === undefined ? containers : containers.filter(({ name }) => name === container);
      const amounts = counted.map(({ usage }) => usage?.[resource]);
      if (amounts.length === 0 || amounts.includes(undefined)) continue;
      const value = amounts.reduce<number>((sum, amount) => sum + milliOf(amount), 0);
      samples.set(metadata.name ?? '', { value, atMs: Date.parse(timestamp ?? ''), windowMs: durationMs(window) });
    }
    return samples;
  }

  /** A metric of each pod. */
  async pods(namespace: string, selector: string, metric: string, metricSelector: LabelSelector | undefined): Promise<PodSamples> {
    const values = await this.#custom('pods', namespace, '*', metric, {
      labelSelector: selector,
      ...metricQuery('metricLabelSelector', metricSelector),
    });
    const samples = new Map<string, PodSample>();
    for (const { describedObject, timestamp, windowSeconds, value } of values.items ?? []) {
      const windowMs = windowSeconds === undefined ? defaultWindowMs : windowSeconds * 1000;
      samples.set(describedObject?.name ?? '', { value: milliOf(value), atMs: Date.parse(timestamp ?? ''), windowMs });
    }
    if (samples.size === 0) throw new Error('no metrics returned from custom metrics API');
    return samples;
  }

  /** A metric of one object, in thousandths. */
  async object(
    namespace: string,
    described: { readonly apiVersion?: string | undefined; readonly kind: string; readonly name: string },
    metric: string,
    metricSelector: LabelSelector | undefined,
  ): Promise<number> {
    const { group } = groupVersionOf(described.apiVersion ?? '');
    const found = this.#targets.find(described)?.ref ?? findResourceOfKind(group, 'v1', described.kind);
    if (found === undefined) throw new Error(`unable to map ${described.kind} to a resource`);
    const isNamespace = found.group === '' && found.resource === 'namespaces';
    const resource = isNamespace ? 'metrics' : found.group === '' ? found.resource : `${found.resource}.${found.group}`;
    const query = metricQuery('metricLabelSelector', metricSelector);
    const values = isNamespace
      ? await this.#custom('metrics', described.name, metric, undefined, query)
      : await this.#custom(resource, namespace, described.name, metric, query);
    const value = values.items?.[0]?.value;
    if (value === undefined) throw new Error('no metrics returned from custom metrics API');
    return milliOf(value);
  }

  /** All values of a metric from outside the cluster, in thousandths. */
  async external(namespace: string, metric: string, metricSelector: LabelSelector | undefined): Promise<readonly number[]> {
    const ref = untyped<MetricValues>('external.metrics.k8s.io', 'v1beta1', metric, 'ExternalMetricValueList');
    const { items } = (await this.#client.list(ref, {
      namespace,
      labelSelector: selectorOf(metricSelector ?? {}).toString(),
      signal: this.#signal,
    })) as unknown as MetricValues;
    if (items === undefined || items.length === 0) throw new Error('no metrics returned from external metrics API');
    return items.map(({ value }) => milliOf(value));
  }

  async #custom(
    resource: string,
    namespace: string,
    name: string,
    metric: string | undefined,
    query: Readonly<Record<string, string>>,
  ): Promise<MetricValues> {
    for (const version of customVersions) {
      const ref = untyped<MetricValues>('custom.metrics.k8s.io', version, resource, 'MetricValueList');
      try {
        return await this.#client.get(
          ref,
          { namespace, name },
          { ...(metric === undefined ? {} : { subresource: metric }), query, signal: this.#signal },
        );
      } catch (error) {
        if (!isNotFound(error) || version === customVersions.at(-1)) throw error;
      }
    }
    return { metadata: {} };
  }
}

function metricQuery(name: string, selector: LabelSelector | undefined): Record<string, string> {
  const text = selectorOf(selector ?? {}).toString();
  return text === '' ? {} : { [name]: text };
}

/** A Go duration such as `30s` or `1m30s`. */
function durationMs(text: string | undefined): number {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  let total = 0;
  for (const [, amount, unit = ''] of (text ?? '').matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)) total += Number(amount) * (units[unit] ?? 0);
  return total > 0 ? total : defaultWindowMs;
}
