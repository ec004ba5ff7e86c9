import type {
  V2HorizontalPodAutoscaler,
  HorizontalPodAutoscaler,
  V2MetricSpec,
  V2MetricTarget,
  V2MetricValueStatus,
} from '../generated/types.ts';
import { none } from './cell-text.ts';

const unknown = '<unknown>';
const shownMetrics = 2;

type Autoscaler = HorizontalPodAutoscaler | V2HorizontalPodAutoscaler;

interface Measured {
  readonly target?: V2MetricTarget | undefined;
  readonly current?: V2MetricValueStatus | undefined;
}

function valueText({ target, current }: Measured): string {
  if (target?.averageUtilization !== undefined) {
    const now = current?.averageUtilization === undefined ? unknown : `${current.averageUtilization.toString()}%`;
    return `${now}/${target.averageUtilization.toString()}%`;
  }
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue}`;
  return `${current?.value ?? unknown}/${target?.value ?? unknown}`;
}

function metricText(metric: V2MetricSpec, hpa: V2HorizontalPodAutoscaler, at: number): string {
  const status = hpa.status?.currentMetrics?.[at];
  switch (metric.type) {
    case 'Resource':
      return `${metric.resource?.name ?? ''}: ${valueText({ target: metric.resource?.target, current: status?.resource?.current })}`;
    case 'ContainerResource':
      return `${metric.containerResource?.name ?? ''}: ${valueText({ target: metric.containerResource?.target, current: status?.containerResource?.current })}`;
    case 'Pods':
      return valueText({ target: metric.pods?.target, current: status?.pods?.current });
    case 'Object': {
      const average = metric.object?.target.averageValue === undefined ? '' : ' (avg)';
      return `${valueText({ target: metric.object?.target, current: status?.object?.current })}${average}`;
    }
    case 'External': {
      const average = metric.external?.target.averageValue === undefined ? '' : ' (avg)';
      return `${valueText({ target: metric.external?.target, current: status?.external?.current })}${average}`;
    }
    default:
      return '<unknown type>';
  }
}

/** What an autoscaler measures and wants, as `cpu: 12%/80%`; both versions. */
export function targetsText(hpa: Autoscaler): string {
  if (hpa.apiVersion !== 'autoscaling/v2') {
    const one = hpa as HorizontalPodAutoscaler;
    const target = one.spec?.targetCPUUtilizationPercentage;
    if (target === undefined) return none;
    const current = one.status?.currentCPUUtilizationPercentage;
    return `cpu: ${current === undefined ? unknown : `${current.toString()}%`}/${target.toString()}%`;
  }
  const two = hpa as V2HorizontalPodAutoscaler;
  const metrics = two.spec?.metrics ?? [];
  if (metrics.length === 0) return none;
  const shown = metrics.slice(0, shownMetrics).map((metric, at) => metricText(metric, two, at));
  const more = metrics.length > shownMetrics ? ` + ${(metrics.length - shownMetrics).toString()} more...` : '';
  return `${shown.join(', ')}${more}`;
}
