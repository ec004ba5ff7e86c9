/** What a pod asks of a node with shareable devices. */
export interface DeviceShape {
  readonly cpuMilli: number;
  /** Any unit, the same for all nodes and shapes. */
  readonly memory: number;
  /** How many devices; 0 for a pod that needs none. */
  readonly devices: number;
  /** Thousandths of each device: less than 1,000 only where `devices` is 1. */
  readonly deviceMilli: number;
  /** The device models that will do; undefined: any. */
  readonly models?: readonly string[] | undefined;
}

/** A shape and the share of arriving pods that have it, 0 to 1. */
export interface ArrivingShape extends DeviceShape {
  readonly share: number;
}

/** The same for all pods that a placement policy need not tell apart. */
export function shapeKey({ cpuMilli, devices, deviceMilli, models }: DeviceShape): string {
  return `${String(cpuMilli)}/${String(devices)}/${String(deviceMilli)}/${models?.join('|') ?? ''}`;
}

/**
 * Which shapes arrive, and how often: a histogram in which what came long ago counts less.
 *
 * `halfLife` is in pods: after so many arrivals an older one counts half. Without it nothing fades.
 */
export class ShapeMix {
  readonly #counts = new Map<string, { readonly shape: DeviceShape; count: number }>();
  readonly #growth: number;
  #unit = 1;

  constructor(halfLife = Number.POSITIVE_INFINITY) {
    this.#growth = 2 ** (1 / halfLife);
  }

  record(shape: DeviceShape): void {
    const key = shapeKey(shape);
    const entry = this.#counts.get(key);
    if (entry === undefined) this.#counts.set(key, { shape, count: this.#unit });
    else entry.count += this.#unit;
    // Newer arrivals weigh more instead of older ones less: no pass over all entries is needed.
    this.#unit *= this.#growth;
    if (this.#unit > 1e12) this.#rescale();
  }

  /** All shapes with their shares, most frequent first. */
  shapes(): ArrivingShape[] {
    let total = 0;
    for (const { count } of this.#counts.values()) total += count;
    return [...this.#counts.values()]
      .map(({ shape, count }) => ({ ...shape, share: count / total }))
      .sort((left, right) => right.share - left.share);
  }

  /** The most frequent shapes that together make up `coverage` of the arrivals, their shares adding up to 1. */
  typical(coverage: number): ArrivingShape[] {
    const chosen: ArrivingShape[] = [];
    let covered = 0;
    for (const shape of this.shapes()) {
      if (covered >= coverage) break;
      chosen.push(shape);
      covered += shape.share;
    }
    return chosen.map((shape) => ({ ...shape, share: shape.share / covered }));
  }

  #rescale(): void {
    for (const [key, entry] of this.#counts) {
      entry.count /= this.#unit;
      if (entry.count < 1e-9) this.#counts.delete(key);
    }
    this.#unit = 1;
  }
}
