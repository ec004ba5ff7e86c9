import type { Node } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';

/** How a zone fares. In a disruption the fault may be between us and the zone, so pods are moved slowly or not at all. */
export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption';

/** From this share of unhealthy nodes, and more than two of them, a zone is disrupted. */
const unhealthyShare = 0.55;
/** Zones with more nodes than this go on slowly when disrupted; smaller ones stop. */
const largeZone = 50;
/** Nodes tainted per second. */
const normalRate = 0.1;
const slowRate = 0.01;

export function zoneState(ready: number, notReady: number): ZoneState {
  if (ready === 0 && notReady > 0) return 'FullDisruption';
  return notReady > 2 && notReady / (ready + notReady) >= unhealthyShare ? 'PartialDisruption' : 'Normal';
}

interface ZoneCounts {
  ready: number;
  notReady: number;
  /** When the next node of the zone may be tainted, on the monotonic clock. */
  nextAtMs: number;
}

/** Counts healthy nodes by zone and says when nodes may be tainted so that their pods are evicted. */
export class ZoneDisruption {
  readonly #clock: Clock;
  /** After the whole cluster was disrupted silent nodes get this long to report again. */
  readonly #resumeAfterMs: number;
  readonly #nodes = new Map<string, { readonly zone: string; readonly ready: boolean }>();
  readonly #zones = new Map<string, ZoneCounts>();
  #wholeCluster = false;
  #resumeAtMs = 0;

  constructor(clock: Clock, resumeAfterMs: number) {
    this.#clock = clock;
    this.#resumeAfterMs = resumeAfterMs;
  }

  /** Takes note of a node, or that it is gone. Answers whether the whole cluster entered or left disruption. */
  update(name: string, node: Node | undefined): boolean {
    const before = this.#nodes.get(name);
    const after = node === undefined ? undefined : { zone: zoneOf(node), ready: isReady(node) };
    if (before?.zone === after?.zone && before?.ready === after?.ready) return false;
    if (before !== undefined) this.#count(before, -1);
    if (after === undefined) this.#nodes.delete(name);
    else {
      this.#nodes.set(name, after);
      this.#count(after, 1);
    }
    const whole =
      this.#zones.size > 0 && [...this.#zones.values()].every(({ ready, notReady }) => zoneState(ready, notReady) === 'FullDisruption');
    if (whole === this.#wholeCluster) return false;
    this.#wholeCluster = whole;
    if (!whole) this.#resumeAtMs = this.#clock.monotonic() + this.#resumeAfterMs;
    return true;
  }

  /** No node of any zone is ready: then the fault is taken to be here, and nothing is evicted. */
  get isWholeCluster(): boolean {
    return this.#wholeCluster;
  }

  /**
   * Asks to taint a node. 0: go ahead, and it is charged to the zone. Else how long to wait; `Infinity` until the
   * zone's state changes.
   */
  askToTaint(node: Node): number {
    if (this.#wholeCluster) return Infinity;
    const nowMs = this.#clock.monotonic();
    const zone = this.#zones.get(zoneOf(node));
    if (zone === undefined) return 0;
    const { ready, notReady } = zone;
    const isSlow = zoneState(ready, notReady) === 'PartialDisruption';
    if (isSlow && ready + notReady <= largeZone) return Infinity;
    const isSilent = node.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'Unknown') ?? false;
    const waitMs = Math.max(isSilent ? this.#resumeAtMs - nowMs : 0, zone.nextAtMs - nowMs);
    if (waitMs > 0) return waitMs;
    zone.nextAtMs = nowMs + 1000 / (isSlow ? slowRate : normalRate);
    return 0;
  }

  /** For metrics. */
  *zones(): Iterable<{ readonly zone: string; readonly size: number; readonly notReady: number }> {
    for (const [zone, { ready, notReady }] of this.#zones) yield { zone, size: ready + notReady, notReady };
  }

  #count({ zone, ready }: { readonly zone: string; readonly ready: boolean }, by: number): void {
    const counts = this.#zones.get(zone) ?? { ready: 0, notReady: 0, nextAtMs: 0 };
    counts[ready ? 'ready' : 'notReady'] += by;
    if (counts.ready + counts.notReady === 0) this.#zones.delete(zone);
    else this.#zones.set(zone, counts);
  }
}

/** Region and zone of a node, as one text; the nodes without labels are one zone. */
export function zoneOf(node: Node): string {
  const labels = node.metadata.labels ?? {};
  const region = labels['topology.kubernetes.io/region'] ?? labels['failure-domain.beta.kubernetes.io/region'] ?? '';
  const zone = labels['topology.kubernetes.io/zone'] ?? labels['failure-domain.beta.kubernetes.io/zone'] ?? '';
  return region === '' && zone === '' ? '' : `${region}:${zone}`;
}

function isReady(node: Node): boolean {
  return node.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}
