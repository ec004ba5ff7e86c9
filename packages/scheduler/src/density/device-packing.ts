import { accepts, sharesDevice, wholeDevice, wholeDevices } from './device-node.ts';
import type { DeviceNode } from './device-node.ts';
import { DeviceRemainders } from './device-remainders.ts';
import { ScarceSlots } from './scarce-slots.ts';
import type { ArrivingShape, DeviceShape, ShapeMix } from './shape-mix.ts';

/**
 * The parameters of the policy: one set for every cluster. Found by search on the OpenB trace
 * (docs/benchmarks.md), where each may be moved by a tenth without falling behind fragmentation
 * gradient descent.
 */
const parameters = {
  /** The weight of what is expected to stay unused of each device. */
  remainders: 2,
  /** The weight of free devices that the node's free CPU cannot serve. */
  shortage: 2.4,
  /** How softly CPU shortage sets in, in thousandths of a device. */
  softness: 150,
  /** Differences below this are ties, in thousandths of a device: ties go to the earlier node, which keeps late nodes empty. */
  grain: 16,
  eagerness: 18.5,
  choosiness: 135,
  /** Share of arrivals that the typical shapes make up; rarer ones are noise. */
  coverage: 0.96,
  /** Placements after which the places for large pods are counted again. */
  recount: 64,
} as const;

/** Where a pod would go on one node. */
export interface DevicePlacement {
  /** Higher is better; comparable between nodes for one pod. In thousandths of a device, rounded to the grain. */
  readonly score: number;
  readonly devices: readonly number[];
}

/**
 * Places pods on nodes with shareable devices (GPUs) so that as much of them as possible gets used.
 *
 * What a state of a node is expected to strand has four parts, all in thousandths of a device:
 *
 * - what the typical shapes could not use of it, each by its share (the measure of "Beware of
 *   Fragmentation", Weng et al., USENIX ATC 2023);
 * - what is expected to stay unused of each device once those that fit have come (`DeviceRemainders`);
 * - free devices that the free CPU cannot serve at the mix's CPU per device;
 * - less the worth of its places for pods that need several devices (`ScarceSlots`).
 *
 * A placement's score is how little it adds to that sum.
 */
export class DevicePacking {
  readonly #typical: readonly ArrivingShape[];
  readonly #remainders: DeviceRemainders;
  readonly #slots: ScarceSlots;
  readonly #cpuPerDeviceMilli: number;
  #placements = 0;

  /** The policy for pods that arrive as `mix` says now; later arrivals need a new one. */
  constructor(mix: ShapeMix) {
    const shapes = mix.shapes();
    // A pod without devices cannot use any, wherever it goes: it would add the same to every placement of a shape.
    this.#typical = mix.typical(parameters.coverage).filter(({ devices }) => devices > 0);
    this.#remainders = new DeviceRemainders(shapes, parameters);
    this.#slots = new ScarceSlots(shapes);
    let cpu = 0;
    let device = 0;
    for (const shape of shapes) {
      if (shape.devices === 0) continue;
      cpu += shape.share * shape.cpuMilli;
      device += shape.share * shape.devices * shape.deviceMilli;
    }
    this.#cpuPerDeviceMilli = device > 0 ? cpu / device : 0;
  }

  /** To be called after each placement, or rarer; answers whether scores of nodes that did not change may differ now. */
  placed(nodes: Iterable<DeviceNode>): boolean {
    const due = this.#placements % parameters.recount === 0;
    this.#placements += 1;
    return due && this.#slots.refresh(nodes);
  }

  /** What is expected to be stranded on the node, in thousandths of a device. */
  stranded(node: DeviceNode): number {
    return this.#stranded(node, node.cpuMilli, node.devices);
  }

  /** The best placement on a node on which the shape fits. */
  place(node: DeviceNode, shape: DeviceShape, before = this.stranded(node)): DevicePlacement {
    const cpuMilli = node.cpuMilli - shape.cpuMilli;
    if (!sharesDevice(shape)) {
      const devices = wholeDevices(node, shape.devices);
      return { score: coarse(this.#gain(before, node, cpuMilli, shape, devices)), devices };
    }
    let best = Number.NEGATIVE_INFINITY;
    let chosen = -1;
    node.devices.forEach((free, device) => {
      // Devices with the same remainder are alike: the first stands for all.
      if (free < shape.deviceMilli || node.devices.indexOf(free) !== device) return;
      const gain = this.#gain(before, node, cpuMilli, shape, [device]);
      if (gain <= best) return;
      best = gain;
      chosen = device;
    });
    return { score: coarse(best), devices: [chosen] };
  }

  #gain(before: number, node: DeviceNode, cpuMilli: number, shape: DeviceShape, devices: readonly number[]): number {
    const after = Int32Array.from(node.devices);
    for (const device of devices) after[device] = (after[device] ?? 0) - shape.deviceMilli;
    return before - this.#stranded(node, cpuMilli, after);
  }

  #stranded(node: DeviceNode, cpuMilli: number, devices: Int32Array): number {
    let free = 0;
    let waste = 0;
    let wholes = 0;
    for (const amount of devices) {
      free += amount;
      waste += this.#remainders.waste(amount);
      if (amount === wholeDevice) wholes += 1;
    }
    let unusable = 0;
    for (const shape of this.#typical) unusable += shape.share * unusableFor(shape, node, cpuMilli, devices, free);
    return (
      unusable +
      parameters.remainders * waste +
      parameters.shortage * this.#shortage(free, cpuMilli) -
      this.#slots.valueOf(node, cpuMilli, wholes)
    );
  }

  /** Free thousandths that the CPU cannot serve; softly, because shapes differ. */
  #shortage(freeMilli: number, cpuMilli: number): number {
    if (this.#cpuPerDeviceMilli === 0) return 0;
    const short = (freeMilli - cpuMilli / this.#cpuPerDeviceMilli) / parameters.softness;
    return parameters.softness * (short > 30 ? short : Math.log1p(Math.exp(short)));
  }
}

function coarse(gain: number): number {
  return Math.round(gain / parameters.grain) * parameters.grain;
}

/** How much of the free thousandths a pod of the shape could not use. */
function unusableFor(shape: DeviceShape, node: DeviceNode, cpuMilli: number, devices: Int32Array, free: number): number {
  if (cpuMilli < shape.cpuMilli || !accepts(shape, node.model)) return free;
  let able = 0;
  let lost = 0;
  for (const amount of devices) {
    if (amount >= shape.deviceMilli) able += 1;
    else lost += amount;
  }
  return able >= shape.devices ? lost : free;
}
