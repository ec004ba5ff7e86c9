import type { HorizontalPodAutoscaler, KubeObject, V2HorizontalPodAutoscaler } from '@bayplan/api';
import type { Conversion } from './served-resource.ts';
import { without } from './without.ts';

/** Where v1 objects carry what only v2 can say. */
const kept = {
  metrics: 'autoscaling.alpha.kubernetes.io/metrics',
  currentMetrics: 'autoscaling.alpha.kubernetes.io/current-metrics',
  conditions: 'autoscaling.alpha.kubernetes.io/conditions',
  behavior: 'autoscaling.alpha.kubernetes.io/behavior',
} as const;

type V2Spec = NonNullable<V2HorizontalPodAutoscaler['spec']>;
type V2Status = NonNullable<V2HorizontalPodAutoscaler['status']>;
type Metrics = NonNullable<V2Spec['metrics']>;
type CurrentMetrics = NonNullable<V2Status['currentMetrics']>;

/** `autoscaling/v1`, whose only metric is average CPU, stored as v2. */
export const autoscalingV1: Conversion = {
  toStored: (object) => fromV1(object as HorizontalPodAutoscaler),
  fromStored: (object) => toV1(object as V2HorizontalPodAutoscaler),
};

function fromV1(object: HorizontalPodAutoscaler): KubeObject {
  const annotations = { ...object.metadata?.annotations };
  const metrics = (parsed(annotations[kept.metrics]) as Metrics | undefined) ?? [];
  const currentMetrics = (parsed(annotations[kept.currentMetrics]) as CurrentMetrics | undefined) ?? [];
  const conditions = parsed(annotations[kept.conditions]) as V2Status['conditions'];
  const behavior = parsed(annotations[kept.behavior]) as V2Spec['behavior'];
  for (const name of Object.values(kept)) delete annotations[name];
  const { targetCPUUtilizationPercentage: target, ...spec } = object.spec ?? { scaleTargetRef: { kind: '', name: '' }, maxReplicas: 0 };
  const { currentCPUUtilizationPercentage: current, ...status } = object.status ?? { currentReplicas: 0, desiredReplicas: 0 };
  if (target !== undefined)
    metrics.push({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: target } } });
  if (current !== undefined)
    currentMetrics.push({ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: current, averageValue: '0' } } });
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: withAnnotations(object.metadata ?? {}, annotations),
    spec: { ...spec, ...(metrics.length === 0 ? {} : { metrics }), ...(behavior === undefined ? {} : { behavior }) },
    status: { ...status, ...(currentMetrics.length === 0 ? {} : { currentMetrics }), ...(conditions === undefined ? {} : { conditions }) },
  } as KubeObject;
}

function toV1(object: V2HorizontalPodAutoscaler): KubeObject {
  const annotations = { ...object.metadata?.annotations };
  const { metrics = [], behavior, ...spec } = object.spec ?? { scaleTargetRef: { kind: '', name: '' }, maxReplicas: 0 };
  const { currentMetrics = [], conditions, ...status } = object.status ?? { currentReplicas: 0, desiredReplicas: 0 };
  const cpu = metrics.find((metric) => metric.resource?.name === 'cpu' && metric.resource.target.averageUtilization !== undefined);
  const currentCpu = (currentMetrics ?? []).find(
    (metric) => metric.resource?.name === 'cpu' && metric.resource.current.averageUtilization !== undefined,
  );
  keep(
    annotations,
    kept.metrics,
    metrics.filter((metric) => metric !== cpu),
  );
  keep(
    annotations,
    kept.currentMetrics,
    (currentMetrics ?? []).filter((metric) => metric !== currentCpu),
  );
  keep(annotations, kept.conditions, conditions ?? []);
  if (behavior !== undefined) annotations[kept.behavior] = JSON.stringify(behavior);
  const target = cpu?.resource?.target.averageUtilization;
  const current = currentCpu?.resource?.current.averageUtilization;
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: withAnnotations(object.metadata ?? {}, annotations),
    spec: { ...spec, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: {
      ...status,
      // v1 always writes both counts, v2 only what it has.
      currentReplicas: status.currentReplicas ?? 0,
      desiredReplicas: (status as { desiredReplicas?: number }).desiredReplicas ?? 0,
      ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }),
    },
  } as KubeObject;
}

function keep(annotations: Record<string, string>, name: string, items: readonly unknown[]): void {
  if (items.length > 0) annotations[name] = JSON.stringify(items);
}

function withAnnotations(metadata: KubeObject['metadata'], annotations: Record<string, string>): KubeObject['metadata'] {
  const rest = without(metadata, 'annotations');
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}

/** An annotation that is not JSON is somebody's mistake and does not count. */
function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
