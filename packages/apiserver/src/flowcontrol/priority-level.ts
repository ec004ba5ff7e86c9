import type { PriorityLevelConfiguration } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import { QueueSet } from './queue-set.ts';
import type { QueueSettings } from './queue-set.ts';

/** How many seats a level has, at least and at most, besides what it shares. */
export interface LevelLimits {
  readonly nominal: number;
  readonly min: number;
  readonly max: number;
}

/** A PriorityLevelConfiguration at work. It outlives changes of its object, and the object as long as requests are in it. */
export class PriorityLevel {
  readonly name: string;
  readonly seats: QueueSet;
  uid = '';
  exempt = false;
  /** Its object is gone: it only serves what it has. */
  quiescing = false;
  limits: LevelLimits = { nominal: 0, min: 0, max: 0 };
  dispatched = 0;
  rejected = 0;
  timedOut = 0;
  cancelled = 0;
  /** High-watermark of demand, smoothed: falls slower than it rises. */
  demand = 0;
  private retryAfter = 1;
  private droppedInSecond = 0;
  private second = 0;

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.seats = new QueueSet(clock, 0, undefined);
  }

  configure(object: PriorityLevelConfiguration, limits: LevelLimits): void {
    this.uid = object.metadata?.uid ?? '';
    this.exempt = object.spec?.type === 'Exempt';
    this.quiescing = false;
    const nominalChanged = limits.nominal !== this.limits.nominal || limits.min !== this.limits.min || limits.max !== this.limits.max;
    this.limits = limits;
    this.seats.configure(nominalChanged ? limits.nominal : this.seats.seats, settingsOf(object));
  }

  get idle(): boolean {
    return this.seats.executing === 0 && this.seats.waiting === 0;
  }

  /** Counts a refusal, and says after how many seconds to come back: longer while many are refused. */
  refuse(nowMs: number): number {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.second) {
      if (this.droppedInSecond >= 3 * this.retryAfter) this.retryAfter = Math.min(this.retryAfter * 2, 8);
      else if (this.retryAfter > 1) this.retryAfter--;
      this.second = second;
      this.droppedInSecond = 0;
    }
    this.droppedInSecond++;
    this.rejected++;
    return this.retryAfter;
  }
}

export function sharesOf(object: PriorityLevelConfiguration): number {
  const { type, limited, exempt } = object.spec ?? {};
  return type === 'Exempt' ? (exempt?.nominalConcurrencyShares ?? 0) : (limited?.nominalConcurrencyShares ?? 30);
}

/** What a level has of `total` seats, of which all levels together have `allShares`. */
export function limitsOf(object: PriorityLevelConfiguration, total: number, allShares: number): LevelLimits {
  const { type, limited, exempt } = object.spec ?? {};
  const nominal = allShares === 0 ? 0 : Math.ceil((total * sharesOf(object)) / allShares);
  const lendable = Math.round((nominal * ((type === 'Exempt' ? exempt?.lendablePercent : limited?.lendablePercent) ?? 0)) / 100);
  const borrowing = type === 'Exempt' ? undefined : limited?.borrowingLimitPercent;
  const max = borrowing === undefined ? nominal + total : nominal + Math.round((nominal * borrowing) / 100);
  return { nominal, min: nominal - lendable, max };
}

function settingsOf(object: PriorityLevelConfiguration): QueueSettings | undefined {
  const response = object.spec?.limited?.limitResponse;
  if (object.spec?.type === 'Exempt' || response?.type !== 'Queue') return undefined;
  const { queues = 64, handSize = 8, queueLengthLimit = 50 } = response.queuing ?? {};
  return { queues, handSize: Math.min(handSize, queues), queueLengthLimit };
}
