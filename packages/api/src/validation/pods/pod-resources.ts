import { fieldForbidden, fieldInvalid } from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type { Container, PodSpec } from '../../generated/types.ts';
import type { Quantity } from '../../quantity.ts';
import { isQuantity, parseQuantity } from '../../quantity.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { eachOf } from '../faults.ts';
import { isHugePages, validatePodResourceName } from '../resource-names.ts';
import { validateRequirements } from '../resources.ts';
import type { PodContext } from './context.ts';
import { isSidecar } from './context.ts';

type Amounts = Readonly<Record<string, string>> | undefined;

function addTo(sum: Map<string, Quantity>, amounts: Amounts): void {
  for (const [name, text] of Object.entries(amounts ?? {})) {
    if (!isQuantity(text)) continue;
    const amount = parseQuantity(text);
    sum.set(name, sum.get(name)?.add(amount) ?? amount);
  }
}

function raiseTo(peak: Map<string, Quantity>, other: ReadonlyMap<string, Quantity>): void {
  for (const [name, amount] of other) if ((peak.get(name)?.compare(amount) ?? -1) < 0) peak.set(name, amount);
}

/**
 * What a pod's containers ask for together: the larger of what runs at once in the steady state, and of
 * each init container beside the sidecars that were started before it.
 */
export function aggregateContainers(spec: PodSpec, side: 'requests' | 'limits'): Map<string, Quantity> {
  const running = new Map<string, Quantity>();
  const peak = new Map<string, Quantity>();
  for (const container of spec.initContainers ?? []) {
    const beside = new Map(running);
    addTo(beside, container.resources?.[side]);
    if (isSidecar(container)) addTo(running, container.resources?.[side]);
    raiseTo(peak, beside);
  }
  for (const container of (spec.containers as MaybeList<Container>) ?? []) addTo(running, container.resources?.[side]);
  raiseTo(running, peak);
  return running;
}

/** Resources of the pod as a whole, which its containers share. */
export function validatePodResources(spec: PodSpec, context: PodContext, path: FieldPath, faults: Faults): void {
  const { resources } = spec;
  if (resources === undefined) return;
  const here = path.child('resources');
  if (context.os === 'windows') {
    faults.push(fieldForbidden(here, 'may not be set for a windows pod'));
    return;
  }
  if (resources.claims) faults.push(fieldForbidden(here.child('claims'), 'claims may not be set for Resources at pod-level'));
  validateRequirements(resources, { nameOf: validatePodResourceName, claimNames: context.claimNames }, here, faults);
  const whole = (side: 'requests' | 'limits', name: string): Quantity | undefined => {
    const text = resources[side]?.[name];
    return text !== undefined && isQuantity(text) ? parseQuantity(text) : undefined;
  };
  for (const side of ['requests', 'limits'] as const) {
    for (const [name, sum] of aggregateContainers(spec, side)) {
      const amount = whole(side, name);
      if (amount === undefined || sum.compare(amount) <= 0 || (side === 'limits' && !isHugePages(name))) continue;
      const fault = `must be greater than or equal to aggregate container ${side} of ${sum.toString()}`;
      faults.push(fieldInvalid(here.child(side).key(name), amount.toString(), fault));
    }
  }
  eachOf(spec.containers as MaybeList<Container>, here.child('containers'), (container, at) => {
    for (const [name, text] of Object.entries(container.resources?.limits ?? {})) {
      const limit = whole('limits', name);
      if (limit === undefined || !isQuantity(text) || parseQuantity(text).compare(limit) <= 0) continue;
      const fault = `must be less than or equal to pod limits of ${limit.toString()}`;
      faults.push(fieldInvalid(at.key(name).child('limits'), parseQuantity(text).toString(), fault));
    }
  });
}
