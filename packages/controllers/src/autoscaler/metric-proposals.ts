import { formatMilli, milliOf } from '@bayplan/api';
import type { Pod, V2MetricSpec, V2MetricStatus } from '@bayplan/api';
import type { MetricsClient } from './metrics-client.ts';
import { isReady } from '../pods/pod-state.ts';
import { replicasForAverage, replicasForPods, replicasForValue } from './replica-calculation.ts';
import type { Proposal, Tolerances } from './replica-calculation.ts';

/** What one metric asks for. */
export interface MetricProposal {
  readonly replicas: number;
  /** As events and conditions name the metric. */
  readonly name: string;
  readonly status: V2MetricStatus;
}

export interface MetricContext {
  readonly metrics: MetricsClient;
  readonly namespace: string;
  /** The target's selector, as text. */
  readonly selector: string;
  readonly pods: readonly Pod[];
  readonly specReplicas: number;
  readonly statusReplicas: number;
  readonly tolerances: Tolerances;
  readonly nowMs: number;
}

/** Why a metric could not be used, with the reason of the condition and event that say so. */
export class MetricError extends Error {
  readonly reason: string;

  constructor(reason: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

const kinds: Readonly<Record<string, { readonly reason: string; readonly what: string }>> = {
  Resource: { reason: 'FailedGetResourceMetric', what: 'resource metric' },
  ContainerResource: { reason: 'FailedGetContainerResourceMetric', what: 'container resource metric' },
  Pods: { reason: 'FailedGetPodsMetric', what: 'pods metric' },
  Object: { reason: 'FailedGetObjectMetric', what: 'object metric' },
  External: { reason: 'FailedGetExternalMetric', what: 'external metric' },
};

/** Reads one metric and computes what it asks for. Throws `MetricError`. */
export async function proposeFor(spec: V2MetricSpec, context: MetricContext): Promise<MetricProposal> {
  const kind = kinds[spec.type];
  try {
    switch (spec.type) {
      case 'Resource':
      case 'ContainerResource':
        return await forResource(spec, context);
      case 'Pods':
        return await forPods(spec, context);
      case 'Object':
        return await forObject(spec, context);
      case 'External':
        return await forExternal(spec, context);
      default:
        throw new MetricError('InvalidMetricSourceType', `unknown metric source type "${spec.type}"`);
    }
  } catch (error) {
    if (error instanceof MetricError || kind === undefined) throw error;
    const why = error instanceof Error ? error.message : String(error);
    const name = spec.resource?.name ?? spec.containerResource?.name;
    const detail = name === undefined ? why : `unable to get metrics for resource ${name}: ${why}`;
    throw new MetricError(
      kind.reason,
      `failed to get ${name === undefined ? `${kind.what} value` : `${name} ${spec.type === 'Resource' ? 'utilization' : 'container metric value'}`}: ${detail}`,
      error,
    );
  }
}

async function forResource(spec: V2MetricSpec, context: MetricContext): Promise<MetricProposal> {
  const source = spec.containerResource ?? spec.resource;
  if (source === undefined) throw new Error('the metric source is missing');
  const container = spec.containerResource?.container;
  const { averageUtilization, averageValue } = source.target;
  const samples = await context.metrics.resource(context.namespace, context.selector, source.name, container);
  const { specReplicas: current, pods, tolerances, nowMs } = context;
  const target = averageUtilization === undefined ? { milli: milliOf(averageValue) } : { percent: averageUtilization };
  const proposal = replicasForPods({ current, pods, samples, resource: source.name, container, target, tolerances, nowMs });
  const value = {
    ...(proposal.utilization === undefined ? {} : { averageUtilization: proposal.utilization }),
    averageValue: formatMilli(proposal.value),
  };
  const what = container === undefined ? 'resource' : 'container resource';
  const name = `${source.name} ${what}${averageUtilization === undefined ? '' : ' utilization (percentage of request)'}`;
  const status: V2MetricStatus =
    container === undefined
      ? { type: spec.type, resource: { name: source.name, current: value } }
      : { type: spec.type, containerResource: { name: source.name, container, current: value } };
  return { replicas: proposal.replicas, name, status };
}

async function forPods({ pods: source }: V2MetricSpec, context: MetricContext): Promise<MetricProposal> {
  if (source === undefined) throw new Error('the metric source is missing');
  const { metric, target } = source;
  const samples = await context.metrics.pods(context.namespace, context.selector, metric.name, metric.selector);
  const { specReplicas: current, pods, tolerances, nowMs } = context;
  const milli = milliOf(target.averageValue);
  const proposal = replicasForPods({ current, pods, samples, resource: undefined, target: { milli }, tolerances, nowMs });
  const status = { type: 'Pods', pods: { metric, current: { averageValue: formatMilli(proposal.value) } } };
  return { replicas: proposal.replicas, name: `pods metric ${metric.name}`, status };
}

async function forObject({ object: source }: V2MetricSpec, context: MetricContext): Promise<MetricProposal> {
  if (source === undefined) throw new Error('the metric source is missing');
  const { metric, target, describedObject } = source;
  const value = await context.metrics.object(context.namespace, describedObject, metric.name, metric.selector);
  const { proposal, current } = forAmount(value, target, context);
  const name = target.type === 'AverageValue' ? `external metric ${metric.name}` : `${describedObject.kind} metric ${metric.name}`;
  return { replicas: proposal.replicas, name, status: { type: 'Object', object: { metric, describedObject, current } } };
}

async function forExternal({ external: source }: V2MetricSpec, context: MetricContext): Promise<MetricProposal> {
  if (source === undefined) throw new Error('the metric source is missing');
  const { metric, target } = source;
  const values = await context.metrics.external(context.namespace, metric.name, metric.selector);
  const { proposal, current } = forAmount(
    values.reduce((sum, value) => sum + value, 0),
    target,
    context,
  );
  const selector = metric.selector === undefined ? 'nil' : JSON.stringify(metric.selector);
  return {
    replicas: proposal.replicas,
    name: `external metric ${metric.name}(${selector})`,
    status: { type: 'External', external: { metric, current } },
  };
}

function forAmount(
  value: number,
  target: { readonly value?: string | undefined; readonly averageValue?: string | undefined },
  { specReplicas, statusReplicas, pods, tolerances }: MetricContext,
): { proposal: Proposal; current: { value?: string; averageValue?: string } } {
  if (target.averageValue !== undefined) {
    const proposal = replicasForAverage(specReplicas, statusReplicas, value, milliOf(target.averageValue), tolerances);
    return { proposal, current: { averageValue: formatMilli(proposal.value) } };
  }
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isReady(pod)).length;
  const proposal = replicasForValue(specReplicas, value, milliOf(target.value), ready, tolerances);
  return { proposal, current: { value: formatMilli(value) } };
}
