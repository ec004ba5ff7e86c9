import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { DeviceNode, DeviceShape } from '@bayplan/scheduler';

/** The trace is data beside the project, not part of it. */
const folder = path.resolve('../shared/traces/openb');

/** A trace and one order of arrival. */
export interface Trace {
  /** Fresh nodes, in the order in which ties look at them. */
  nodes(): DeviceNode[];
  /** The pods of the file. */
  readonly pods: readonly DeviceShape[];
  /** Pods in the order in which they arrive, more than the cluster holds. */
  readonly arrivals: readonly DeviceShape[];
  /** Thousandths of all devices. */
  readonly capacityMilli: number;
}

function rows(file: string): string[][] {
  return readFileSync(path.join(folder, file), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
}

function numbers(file: string): number[] {
  return readFileSync(path.join(folder, file), 'utf8').trim().split('\n').map(Number);
}

/** The pods of a file; equal shapes are one object, so that they can be told apart by identity. */
export function readPods(trace: string): DeviceShape[] {
  const shapes = new Map<string, DeviceShape>();
  return rows(`pods_${trace}.csv`).map((columns) => {
    const [cpu = '', memory = '', devices = '', milli = '', models = ''] = columns;
    const key = columns.join();
    const known = shapes.get(key);
    if (known !== undefined) return known;
    const shape: DeviceShape = {
      cpuMilli: Number(cpu),
      memory: Number(memory),
      devices: Number(devices),
      deviceMilli: Number(milli),
      models: models === '' ? undefined : models.split('|'),
    };
    shapes.set(key, shape);
    return shape;
  });
}

export function readTrace(trace: string, seed: number): Trace {
  const nodeRows = rows('nodes_gpu.csv');
  const order = numbers(`nodeorder/${trace}_${String(seed)}.txt`);
  const pods = readPods(trace);
  const nodeAt = (index: number): DeviceNode => {
    const [, cpu = '', memory = '', devices = '', model = ''] = nodeRows[index] ?? [];
    return { cpuMilli: Number(cpu), memory: Number(memory), devices: new Int32Array(Number(devices)).fill(1000), model };
  };
  const arrivals = numbers(`arrivals/${trace}_${String(seed)}.txt`).map((row) => {
    const pod = pods[row];
    if (pod === undefined) throw new Error(`arrival of row ${String(row)}, which the pods of ${trace} do not have`);
    return pod;
  });
  return { nodes: () => order.map(nodeAt), pods, arrivals, capacityMilli: nodeRows.reduce((sum, row) => sum + Number(row[3]) * 1000, 0) };
}
