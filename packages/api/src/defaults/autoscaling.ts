import type { HorizontalPodAutoscaler, V2HorizontalPodAutoscaler } from '../generated/types.ts';

const targetCpuPercent = 80;

export function defaultAutoscalerV1({ spec }: HorizontalPodAutoscaler): void {
  if (!spec) return;
  spec.minReplicas ??= 1;
  spec.targetCPUUtilizationPercentage ??= targetCpuPercent;
}

export function defaultAutoscaler({ spec }: V2HorizontalPodAutoscaler): void {
  if (!spec) return;
  spec.minReplicas ??= 1;
  if ((spec.metrics ?? []).length === 0) {
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: targetCpuPercent } } }];
  }
  if (!spec.behavior) return;
  // Up at once, by four pods or double; down after the stabilisation window of the controller.
  const up = (spec.behavior.scaleUp ??= {});
  up.selectPolicy ??= 'Max';
  up.stabilizationWindowSeconds ??= 0;
  up.policies ??= [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ];
  const down = (spec.behavior.scaleDown ??= {});
  down.selectPolicy ??= 'Max';
  down.policies ??= [{ type: 'Percent', value: 100, periodSeconds: 15 }];
}
