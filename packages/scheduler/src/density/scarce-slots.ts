import { accepts, wholeDevice } from './device-node.ts';
import type { DeviceNode } from './device-node.ts';
import type { ArrivingShape } from './shape-mix.ts';

/** Values are rounded to this, in thousandths of a device, so that verdicts on nodes need not be made anew for nothing. */
const grain = 16;

/** A shape that needs several whole devices of one node, and what one more place for it is worth now. */
interface SlotShape {
  readonly shape: ArrivingShape;
  /** In thousandths of a device. */
  value: number;
}

/**
 * The worth of places for pods that need several whole devices.
 *
 * Such places end first, and nobody notices while there are enough. The last ones are worth what the
 * pods that would be turned away ask for: a place is worth its devices times the probability that at
 * least as many such pods will come as there are places (the newsvendor's rule). How many come before
 * the cluster is full follows from what is free and from the mix; their number is taken as Poisson.
 */
export class ScarceSlots {
  readonly #shapes: readonly SlotShape[];
  readonly #meanDeviceMilli: number;

  constructor(mix: readonly ArrivingShape[]) {
    this.#shapes = mix.filter(({ devices }) => devices > 1).map((shape) => ({ shape, value: 0 }));
    this.#meanDeviceMilli = mix.reduce((sum, { devices, deviceMilli, share }) => sum + share * devices * deviceMilli, 0);
  }

  /** Counts places anew: cheap enough for every few dozen placements. Answers whether any is worth more or less than before. */
  refresh(nodes: Iterable<DeviceNode>): boolean {
    if (this.#shapes.length === 0 || this.#meanDeviceMilli <= 0) return false;
    const slots = this.#shapes.map(() => 0);
    let freeMilli = 0;
    for (const node of nodes) {
      for (const free of node.devices) freeMilli += free;
      this.#shapes.forEach(
        ({ shape }, index) => (slots[index] = (slots[index] ?? 0) + slotsOn(node, node.cpuMilli, wholeCount(node.devices), shape)),
      );
    }
    const arrivals = freeMilli / this.#meanDeviceMilli;
    let changed = false;
    this.#shapes.forEach((entry, index) => {
      const { devices, share } = entry.shape;
      const exact = devices * wholeDevice * atLeast(slots[index] ?? 0, share * arrivals);
      const value = Math.round(exact / grain) * grain;
      changed ||= value !== entry.value;
      entry.value = value;
    });
    return changed;
  }

  /** What the places on a node are worth, in thousandths of a device. */
  valueOf(node: Pick<DeviceNode, 'model'>, cpuMilli: number, wholes: number): number {
    let value = 0;
    for (const entry of this.#shapes) if (entry.value > 0) value += entry.value * slotsOn(node, cpuMilli, wholes, entry.shape);
    return value;
  }
}

function wholeCount(devices: Int32Array): number {
  let count = 0;
  for (const free of devices) if (free === wholeDevice) count += 1;
  return count;
}

function slotsOn(node: Pick<DeviceNode, 'model'>, cpuMilli: number, wholes: number, shape: ArrivingShape): number {
  if (wholes < shape.devices || cpuMilli < shape.cpuMilli || !accepts(shape, node.model)) return 0;
  return Math.min(
    Math.floor(wholes / shape.devices),
    shape.cpuMilli > 0 ? Math.floor(cpuMilli / shape.cpuMilli) : Number.POSITIVE_INFINITY,
  );
}

/** The probability that a Poisson variable of mean `mean` is at least `count`. */
function atLeast(count: number, mean: number): number {
  let term = Math.exp(-mean);
  let below = 0;
  for (let index = 0; index < count; index += 1) {
    below += term;
    term *= mean / (index + 1);
  }
  return Math.max(0, 1 - below);
}
