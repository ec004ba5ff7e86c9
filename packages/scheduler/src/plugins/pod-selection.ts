import { Selector, selectorOf } from '@bayplan/api';
import type { LabelSelector } from '@bayplan/api';
import type { PlacedPod, Snapshot } from '../framework/snapshot.ts';
import type { PodShape } from '../framework/pod-shape.ts';

/** A selector with the requirements that `matchLabelKeys` and `mismatchLabelKeys` add from the labels of the pod that owns it. */
export function selectorFor(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>>,
  matchKeys: readonly string[] = [],
  mismatchKeys: readonly string[] = [],
): Selector {
  const base = selectorOf(selector);
  if (base.isNothing) return base;
  const own = (keys: readonly string[], operator: 'In' | 'NotIn') =>
    keys.flatMap((key) => {
      const value = labels[key];
      return value === undefined ? [] : [{ key, operator, values: [value] }];
    });
  const added = [...own(matchKeys, 'In'), ...own(mismatchKeys, 'NotIn')];
  return added.length === 0 ? base : new Selector([...base.requirements, ...added]);
}

/** For each row, how many of its pods `matches` accepts. It is asked once for each shape. */
export function countPods(
  snapshot: Snapshot,
  matches: (shape: PodShape) => boolean,
  ignore: (pod: PlacedPod) => boolean = () => false,
): Float64Array {
  const verdicts = new Map<PodShape, boolean>();
  const counts = new Float64Array(snapshot.rows);
  for (const row of snapshot.live) {
    let count = 0;
    for (const pod of snapshot.podsOn(row)) {
      let verdict = verdicts.get(pod.shape);
      if (verdict === undefined) {
        verdict = matches(pod.shape);
        verdicts.set(pod.shape, verdict);
      }
      if (verdict && !ignore(pod)) count += 1;
    }
    counts[row] = count;
  }
  return counts;
}
