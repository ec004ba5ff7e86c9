import { sharesDevice, ShapeMix, DevicePacking, wholeDevices } from '@bayplan/scheduler';
import type { ArrivingShape, DeviceNode, DevicePlacement, DeviceShape } from '@bayplan/scheduler';

/** Places pods of one trace; the score of a node may change only when the node does, or when `placed` says so. */
export interface Policy {
  place(node: DeviceNode, shape: DeviceShape): DevicePlacement;
  placed?(nodes: readonly DeviceNode[]): boolean;
}

const largestCpuMilli = 128_000;
const largestDeviceMilli = 8000;

const freeMilli = (node: DeviceNode): number => node.devices.reduce((sum, free) => sum + free, 0);

/** The fitting device with least room, or the first whole ones. */
function tightest(node: DeviceNode, shape: DeviceShape): number[] {
  if (!sharesDevice(shape)) return wholeDevices(node, shape.devices);
  let best = -1;
  node.devices.forEach((free, device) => {
    if (free >= shape.deviceMilli && (best < 0 || free < (node.devices[best] ?? 0))) best = device;
  });
  return [best];
}

/** Least room left over, CPU and devices weighing the same. Scores are whole percents, as published. */
export function bestFit(): Policy {
  return {
    place(node, shape) {
      const cpu = (node.cpuMilli - shape.cpuMilli) / largestCpuMilli;
      const device = (freeMilli(node) - shape.devices * shape.deviceMilli) / largestDeviceMilli;
      return { score: Math.trunc((1 - (cpu + device) / 2) * 100), devices: tightest(node, shape) };
    },
  };
}

/** Tetris: the smaller the product of what is free and what is asked, the better. */
export function dotProduct(): Policy {
  return {
    place(node, shape) {
      const cpu = (node.cpuMilli / largestCpuMilli) * (shape.cpuMilli / largestCpuMilli);
      const device = (freeMilli(node) / largestDeviceMilli) * ((shape.devices * shape.deviceMilli) / largestDeviceMilli);
      return { score: Math.trunc((1 - (cpu + device) / 2) * 100), devices: tightest(node, shape) };
    },
  };
}

function mixOf(pods: readonly DeviceShape[]): ShapeMix {
  const mix = new ShapeMix();
  for (const pod of pods) mix.record(pod);
  return mix;
}

/** Fragmentation gradient descent (Weng et al., USENIX ATC 2023), over the shapes that make up 95 % of the pods. */
export function fragmentationGradient(pods: readonly DeviceShape[]): Policy {
  const typical = mixOf(pods).typical(0.95);
  const fragment = (shape: ArrivingShape, cpuMilli: number, devices: Int32Array, model: string, free: number): number => {
    if (shape.devices === 0 || cpuMilli < shape.cpuMilli || shape.models?.includes(model) === false) return free;
    let able = 0;
    let lost = 0;
    for (const amount of devices) {
      if (amount >= shape.deviceMilli) able += 1;
      else lost += amount;
    }
    return able >= shape.devices ? lost : free;
  };
  const fragments = (cpuMilli: number, devices: Int32Array, model: string): number => {
    const free = devices.reduce((sum, amount) => sum + amount, 0);
    return typical.reduce((sum, shape) => sum + shape.share * fragment(shape, cpuMilli, devices, model, free), 0);
  };
  return {
    place(node, shape) {
      const before = fragments(node.cpuMilli, node.devices, node.model);
      const scored = (devices: readonly number[]): DevicePlacement => {
        const after = Int32Array.from(node.devices);
        for (const device of devices) after[device] = (after[device] ?? 0) - shape.deviceMilli;
        const gain = (before - fragments(node.cpuMilli - shape.cpuMilli, after, node.model)) / 1000;
        return { score: Math.trunc(100 / (1 + Math.exp(-gain))), devices };
      };
      if (!sharesDevice(shape)) return scored(wholeDevices(node, shape.devices));
      let best: DevicePlacement | undefined;
      node.devices.forEach((free, device) => {
        if (free < shape.deviceMilli) return;
        const placement = scored([device]);
        if (best === undefined || placement.score > best.score) best = placement;
      });
      return best ?? { score: 0, devices: [] };
    },
  };
}

/** Bayplan's. */
export function densePacking(pods: readonly DeviceShape[]): Policy {
  const packing = new DevicePacking(mixOf(pods));
  return {
    place: (node, shape) => packing.place(node, shape),
    placed: (nodes) => packing.placed(nodes),
  };
}
