import { milliOf, unitsOf } from '@bayplan/api';
import type { Container, PodSpec } from '@bayplan/api';

/** Columns that every node has; other resources get the next numbers in the order they are met. */
export const cpu = 0;
export const memory = 1;
export const ephemeralStorage = 2;
export const pods = 3;

/** Numbers for resource names, so that amounts can be columns. Never forgets a name: clusters have few. */
export class ResourceNames {
  readonly #numbers = new Map<string, number>([
    ['cpu', cpu],
    ['memory', memory],
    ['ephemeral-storage', ephemeralStorage],
    ['pods', pods],
  ]);
  readonly #names = ['cpu', 'memory', 'ephemeral-storage', 'pods'];

  get count(): number {
    return this.#names.length;
  }

  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.#names.length);
    this.#names.push(name);
    return this.#names.length - 1;
  }

  nameOf(resource: number): string {
    return this.#names[resource] ?? '';
  }
}

/** Milli-cores of CPU; whole bytes or pieces of everything else. */
export function amountOf(name: string, quantity: string | number): number {
  return name === 'cpu' ? milliOf(quantity) : unitsOf(quantity);
}

export type Amounts = ReadonlyMap<string, number>;

/**
 * What a pod asks of its node: the larger of what its containers need together and what any step of
 * its initialisation needs, with sidecars (restartable init containers) counted in both, plus the
 * overhead of its runtime class. Requests of the whole pod replace the sum (KEP-2837).
 */
export function podRequests(spec: PodSpec): Map<string, number> {
  const running = new Map<string, number>();
  for (const container of spec.containers) add(running, requestsOf(container));
  const sidecars = new Map<string, number>();
  const starting = new Map<string, number>();
  for (const container of spec.initContainers ?? []) {
    const own = requestsOf(container);
    if (container.restartPolicy === 'Always') {
      add(running, own);
      add(sidecars, own);
      raise(starting, sidecars);
    } else {
      const step = new Map(sidecars);
      add(step, own);
      raise(starting, step);
    }
  }
  raise(running, starting);
  for (const [name, quantity] of Object.entries(spec.resources?.requests ?? {})) running.set(name, amountOf(name, quantity));
  add(running, parse(spec.overhead));
  return running;
}

function requestsOf(container: Container): Map<string, number> {
  return parse(container.resources?.requests);
}

function parse(list: Readonly<Record<string, string | number>> | undefined): Map<string, number> {
  return new Map(Object.entries(list ?? {}).map(([name, quantity]) => [name, amountOf(name, quantity)]));
}

function add(sum: Map<string, number>, more: Amounts): void {
  for (const [name, amount] of more) sum.set(name, (sum.get(name) ?? 0) + amount);
}

function raise(floor: Map<string, number>, other: Amounts): void {
  for (const [name, amount] of other) floor.set(name, Math.max(floor.get(name) ?? 0, amount));
}
