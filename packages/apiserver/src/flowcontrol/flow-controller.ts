import type { FlowSchema, PriorityLevelConfiguration } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import type { RequestContext } from '../chain/context.ts';
import type { ResourceCache } from '../registry/resource-cache.ts';
import type { Registry } from '../registry/registry.ts';
import { schemaMatches } from './flow-schema-match.ts';
import { limitsOf, PriorityLevel, sharesOf } from './priority-level.ts';
import { Tally } from '../tally.ts';
import { shareOut } from './share-out.ts';

const group = 'flowcontrol.apiserver.k8s.io';
const everything = { matches: () => true } as const;
/** Between two times that seats are dealt out anew while some are borrowed. */
const adjustEveryMs = 10_000;
/** Sooner than that when requests wait, but not at each of them. */
const adjustSoonMs = 250;
const smoothing = 0.5;

/** A FlowSchema whose level exists. */
export interface Flow {
  readonly schema: FlowSchema;
  readonly name: string;
  readonly level: PriorityLevel;
  /** Of its requests' answers. */
  readonly headers: Readonly<Record<string, string>>;
  readonly distinguisher: 'ByUser' | 'ByNamespace' | '';
  readonly counters: FlowCounters;
}

/** They outlive changes of the objects. */
export interface FlowCounters {
  dispatched: number;
  readonly rejected: Map<string, number>;
  /** Seconds of waiting before seats were given, and before they were refused. */
  readonly admittedAfter: Tally;
  readonly refusedAfter: Tally;
  /** Seconds with seats. */
  readonly execution: Tally;
}

const secondBounds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

function newCounters(): FlowCounters {
  const tally = (): Tally => new Tally(secondBounds);
  return { dispatched: 0, rejected: new Map(), admittedAfter: tally(), refusedAfter: tally(), execution: tally() };
}

/** Which flow a request belongs to, and how many seats each level has; follows the objects in the watch caches. */
export class FlowController {
  readonly levels = new Map<string, PriorityLevel>();
  private readonly schemas: ResourceCache;
  private readonly configurations: ResourceCache;
  private readonly clock: Clock;
  private readonly total: number;
  private readonly counters = new Map<string, FlowCounters>();
  private flows: readonly Flow[] = [];
  private builtAt = -1;
  private timer: { cancel(): void } | undefined;
  private adjustedMs = Number.NEGATIVE_INFINITY;
  fairFraction = 1;

  /** `total` requests may run at once, all levels together. */
  constructor(registry: Registry, clock: Clock, total: number) {
    this.schemas = registry.stored(group, 'v1', 'flowschemas').storage.cache;
    this.configurations = registry.stored(group, 'v1', 'prioritylevelconfigurations').storage.cache;
    this.clock = clock;
    this.total = total;
  }

  async start(): Promise<void> {
    await this.schemas.start();
    await this.configurations.start();
  }

  stop(): void {
    this.timer?.cancel();
  }

  /** The flow of a request; undefined only while the objects are not there yet. */
  flowOf(context: RequestContext): Flow | undefined {
    this.refresh();
    for (const flow of this.flows) if (schemaMatches(flow.schema, context.user, context.info)) return flow;
    return undefined;
  }

  /** In the order in which they are tried. */
  allFlows(): readonly Flow[] {
    this.refresh();
    return this.flows;
  }

  /** Requests of a level wait: others may have seats to lend. */
  pressed(): void {
    if (this.clock.monotonic() - this.adjustedMs >= adjustSoonMs) this.adjust();
    else this.timer ??= this.clock.after(adjustSoonMs, () => this.adjust(), { unref: true });
  }

  private refresh(): void {
    const changes = this.schemas.changes + this.configurations.changes;
    if (changes === this.builtAt) return;
    this.builtAt = changes;
    this.rebuildLevels();
    const flows: Flow[] = [];
    for (const { stored, name } of this.schemas.list(everything)) {
      const schema = stored.object as FlowSchema;
      const level = this.levels.get(schema.spec?.priorityLevelConfiguration.name ?? '');
      if (level === undefined || level.quiescing) continue;
      let counters = this.counters.get(name);
      if (counters === undefined) this.counters.set(name, (counters = newCounters()));
      const type = schema.spec?.distinguisherMethod?.type;
      flows.push({
        schema,
        name,
        level,
        counters,
        headers: {
          'x-kubernetes-pf-flowschema-uid': schema.metadata.uid ?? '',
          'x-kubernetes-pf-prioritylevel-uid': level.uid,
        },
        distinguisher: type === 'ByUser' || type === 'ByNamespace' ? type : '',
      });
    }
    const precedence = ({ schema }: Flow): number => schema.spec?.matchingPrecedence ?? 1000;
    this.flows = flows.sort((a, b) => precedence(a) - precedence(b) || (a.name < b.name ? -1 : 1));
    const names = new Set(this.schemas.list(everything).map(({ name }) => name));
    for (const name of this.counters.keys()) if (!names.has(name)) this.counters.delete(name);
  }

  private rebuildLevels(): void {
    const objects = this.configurations.list(everything).map(({ stored }) => stored.object as PriorityLevelConfiguration);
    const shares = objects.reduce((sum, object) => sum + sharesOf(object), 0);
    const present = new Set<string>();
    for (const object of objects) {
      const name = object.metadata.name ?? '';
      present.add(name);
      let level = this.levels.get(name);
      if (level === undefined) this.levels.set(name, (level = new PriorityLevel(name, this.clock)));
      level.configure(object, limitsOf(object, this.total, shares));
    }
    for (const [name, level] of this.levels) {
      if (present.has(name)) continue;
      level.quiescing = true;
      if (level.idle) this.levels.delete(name);
    }
  }

  /** Deals the seats out by what was asked for lately. Goes on while any are borrowed; nothing runs when nobody asks for more. */
  private adjust(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.adjustedMs = this.clock.monotonic();
    const levels = [...this.levels.values()].filter((level) => !level.exempt);
    let wanting = false;
    for (const level of levels) {
      const demand = level.seats.takeDemand();
      level.demand = Math.max(demand, smoothing * level.demand + (1 - smoothing) * demand);
      if (level.demand < 0.5) level.demand = 0;
      if (level.demand > level.limits.nominal || level.seats.waiting > 0) wanting = true;
    }
    if (!wanting) {
      for (const level of levels) level.seats.configure(level.limits.nominal, level.seats.configuration);
      this.fairFraction = 1;
      return;
    }
    const claims = levels.map(({ limits, demand }) => {
      const min = Math.max(1, limits.min, Math.min(limits.nominal, Math.ceil(demand)));
      return { min, max: Math.max(min, limits.max), target: Math.max(min, demand) };
    });
    const { seats, fairFraction } = shareOut(this.total, claims);
    this.fairFraction = fairFraction;
    levels.forEach((level, at) => level.seats.configure(seats[at] ?? level.limits.nominal, level.seats.configuration));
    this.timer = this.clock.after(adjustEveryMs, () => this.adjust(), { unref: true });
  }
}
