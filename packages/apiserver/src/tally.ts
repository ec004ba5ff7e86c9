import type { Histogram, MetricsRegistry } from '@bayplan/component-base';

/** One series of a histogram as plain numbers: counting costs nanoseconds, and labels are looked at only when somebody reads. */
export class Tally {
  private readonly bounds: readonly number[];
  private readonly counts: number[];
  private sum = 0;
  private total = 0;

  /** `bounds` ascend. */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  add(value: number): void {
    this.total++;
    this.sum += value;
    const { bounds } = this;
    for (let at = 0; at < bounds.length; at++) {
      if (value > (bounds[at] ?? 0)) continue;
      this.counts[at] = (this.counts[at] ?? 0) + 1;
      return;
    }
  }

  get empty(): boolean {
    return this.total === 0;
  }

  /** As Prometheus wants it: buckets hold what is in those below them too. */
  values(name: string, labels: Readonly<Record<string, string>>): object[] {
    let below = 0;
    const buckets = this.bounds.map((le, at) => ({
      metricName: `${name}_bucket`,
      labels: { ...labels, le },
      value: (below += this.counts[at] ?? 0),
    }));
    return [
      ...buckets,
      { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: this.total },
      { metricName: `${name}_sum`, labels, value: this.sum },
      { metricName: `${name}_count`, labels, value: this.total },
    ];
  }
}

export interface TallySeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly tally: Tally;
}

/** Registers a histogram whose series are read from tallies when somebody asks for it. */
export function registerTallies(registry: MetricsRegistry, name: string, help: string, series: () => Iterable<TallySeries>): void {
  const metric = {
    name,
    get: () => ({
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      values: [...series()].flatMap(({ labels, tally }) => (tally.empty ? [] : tally.values(name, labels))),
    }),
    reset: () => undefined,
  };
  // The registry asks a metric for no more than this.
  registry.registerMetric(metric as unknown as Histogram);
}
