import type { DeviceShape } from './shape-mix.ts';

/** What is free on a node with shareable devices. Mutable: `take` charges it. */
export interface DeviceNode {
  cpuMilli: number;
  /** In the unit of `DeviceShape.memory`. */
  memory: number;
  /** Free thousandths of each device. */
  readonly devices: Int32Array;
  readonly model: string;
}

/** A device that nothing uses. */
export const wholeDevice = 1000;

export function fits(node: DeviceNode, shape: DeviceShape): boolean {
  if (node.cpuMilli < shape.cpuMilli || node.memory < shape.memory) return false;
  if (shape.devices === 0) return true;
  if (!accepts(shape, node.model)) return false;
  let able = 0;
  for (const free of node.devices) if (free >= shape.deviceMilli) able += 1;
  return able >= shape.devices;
}

/** Whether a device of the model will do. */
export function accepts(shape: DeviceShape, model: string): boolean {
  return shape.models?.includes(model) ?? true;
}

export function sharesDevice(shape: DeviceShape): boolean {
  return shape.devices === 1 && shape.deviceMilli < wholeDevice;
}

/** The first devices of the node that nothing uses. */
export function wholeDevices(node: DeviceNode, count: number): number[] {
  const found: number[] = [];
  for (let device = 0; device < node.devices.length && found.length < count; device += 1) {
    if (node.devices[device] === wholeDevice) found.push(device);
  }
  return found;
}

/** Charges the node with a pod that got `devices`. */
export function take(node: DeviceNode, shape: DeviceShape, devices: readonly number[]): void {
  node.cpuMilli -= shape.cpuMilli;
  node.memory -= shape.memory;
  for (const device of devices) node.devices[device] = (node.devices[device] ?? 0) - shape.deviceMilli;
}
