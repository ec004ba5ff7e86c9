import type { Pod } from '@bayplan/api';
import { seededRandom } from '@bayplan/component-base';
import { ClusterCache } from './cache/cluster-cache.ts';
import { fitMessage } from './framework/fit-message.ts';
import type { RejectionCount } from './framework/filter-pass.ts';
import { PlacementPlan } from './framework/placement-plan.ts';
import type { Profile } from './framework/plugin.ts';
import type { PodShape } from './framework/pod-shape.ts';

export type Decision =
  | { readonly kind: 'placed'; readonly nodeName: string; readonly score: number; readonly feasibleNodes: number; readonly seed: number }
  | {
      readonly kind: 'unschedulable';
      /** The text of the Event. */
      readonly message: string;
      readonly rejections: readonly RejectionCount[];
      /** Bits of `clusterEvents` that could help. */
      readonly waitsFor: number;
    };

/** How many shapes keep their plan: a plan costs 16 bytes a node. */
const maxPlans = 128;

/**
 * Chooses nodes: no I/O, no clock. The same nodes, pods and seed in the same order give the same
 * decisions. The owner feeds `cache` and assumes what was decided.
 */
export class PlacementCore {
  readonly cache = new ClusterCache();
  readonly profile: Profile;
  readonly #seed: number;
  readonly #plans = new Map<PodShape, PlacementPlan>();
  #cycle = 0;

  constructor(options: { readonly profile: Profile; readonly seed: number }) {
    this.profile = options.profile;
    this.#seed = options.seed;
  }

  /** Decides for one pod. Charges nothing. */
  decide(pod: Pod): Decision {
    const { columns } = this.cache;
    const plan = this.#planOf(this.cache.shapeOf(pod));
    plan.refresh(columns, columns.changes);
    this.#cycle += 1;
    // Each cycle has a seed of its own, so that any decision can be repeated by itself.
    const seed = (this.#seed + Math.imul(this.#cycle, 0x9e3779b9)) >>> 0;
    const row = plan.best(seededRandom(seed).next);
    if (row !== undefined)
      return { kind: 'placed', nodeName: columns.nameOf(row), score: plan.scoreOf(row), feasibleNodes: plan.feasible.size, seed };
    const rejections = plan.explain(columns);
    const nodes = columns.live.size;
    const plugins = new Set(rejections.map((rejection) => rejection.plugin));
    const waitsFor = [...this.profile.filters].reduce(
      (events, plugin) => (nodes === 0 || plugins.has(plugin.name) ? events | (plugin.events ?? 0) : events),
      0,
    );
    return { kind: 'unschedulable', message: fitMessage(nodes, rejections), rejections, waitsFor };
  }

  #planOf(shape: PodShape): PlacementPlan {
    const plan = this.#plans.get(shape) ?? new PlacementPlan(shape, this.profile);
    this.#plans.delete(shape);
    this.#plans.set(shape, plan);
    if (this.#plans.size > maxPlans) {
      for (const oldest of this.#plans.keys()) {
        this.#plans.delete(oldest);
        break;
      }
    }
    return plan;
  }
}
