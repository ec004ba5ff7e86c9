/** Shorter intervals would show scheduling noise instead of use. */
const minIntervalNanos = 1e9;
/** A sample that old says nothing about now. */
const maxIntervalNanos = 600e9;

interface Sample {
  readonly at: number;
  readonly total: number;
}

/** Turns running totals into rates, from one question to the next; costs nothing while nobody asks. */
export class UsageRates {
  readonly #samples = new Map<string, { base: Sample; latest: Sample }>();

  /** Units per second of `total` since an earlier call for the same id; undefined the first time. */
  perSecond(id: string, total: number, nowNanos: number): number | undefined {
    const now = { at: nowNanos, total };
    const known = this.#samples.get(id);
    if (known === undefined || nowNanos - known.latest.at > maxIntervalNanos || total < known.base.total) {
      this.#samples.set(id, { base: now, latest: now });
      return undefined;
    }
    const base = nowNanos - known.latest.at >= minIntervalNanos ? known.latest : known.base;
    if (nowNanos - known.latest.at >= minIntervalNanos) this.#samples.set(id, { base: known.latest, latest: now });
    const interval = nowNanos - base.at;
    return interval < minIntervalNanos ? undefined : Math.round(((total - base.total) / interval) * 1e9);
  }

  /** Drops the samples of ids that no longer exist. */
  retain(exists: (id: string) => boolean): void {
    for (const id of this.#samples.keys()) if (!exists(id)) this.#samples.delete(id);
  }
}
