import { fits, take } from '@bayplan/scheduler';
import type { DeviceNode, DevicePlacement, DeviceShape } from '@bayplan/scheduler';
import type { Trace } from './openb.ts';
import type { Policy } from './policies.ts';

/**
 * Replays a trace: each pod goes to the best node that it fits, the earlier one of equals, or is dropped.
 * Answers the allocated share of all devices, in percent, when so much of their capacity has been asked for.
 */
export function replay(trace: Trace, policy: Policy, arrivedPercents: readonly number[]): Map<number, number> {
  const nodes = trace.nodes();
  // Verdicts by shape, kept until the node changes.
  const known: Map<DeviceShape, DevicePlacement | 'full'>[] = nodes.map(() => new Map());
  const verdict = (node: DeviceNode, index: number, pod: DeviceShape): DevicePlacement | 'full' => {
    const memo = known[index];
    const earlier = memo?.get(pod);
    if (earlier !== undefined) return earlier;
    const found = fits(node, pod) ? policy.place(node, pod) : 'full';
    memo?.set(pod, found);
    return found;
  };
  const result = new Map<number, number>();
  let arrived = 0;
  let allocated = 0;
  policy.placed?.(nodes);
  for (const pod of trace.arrivals) {
    arrived += pod.devices * pod.deviceMilli;
    let best: { index: number; placement: DevicePlacement } | undefined;
    nodes.forEach((node, index) => {
      const placement = verdict(node, index, pod);
      if (placement !== 'full' && (best === undefined || placement.score > best.placement.score)) best = { index, placement };
    });
    if (best !== undefined) {
      const { index, placement } = best;
      const node = nodes[index];
      if (node !== undefined) take(node, pod, placement.devices);
      allocated += pod.devices * pod.deviceMilli;
      if (policy.placed?.(nodes) === true) for (const memo of known) memo.clear();
      else known[index]?.clear();
    }
    for (const percent of arrivedPercents) {
      if (!result.has(percent) && arrived >= (trace.capacityMilli * percent) / 100)
        result.set(percent, (100 * allocated) / trace.capacityMilli);
    }
  }
  for (const percent of arrivedPercents) if (!result.has(percent)) result.set(percent, (100 * allocated) / trace.capacityMilli);
  return result;
}
