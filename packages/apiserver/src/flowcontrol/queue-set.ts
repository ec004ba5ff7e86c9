import type { Clock } from '@bayplan/component-base';
import { deal } from './shuffle-sharding.ts';

export type RejectReason = 'queue-full' | 'concurrency-limit' | 'time-out' | 'cancelled';

/** A request that waits for its seats, or has them. */
export interface Ticket {
  readonly schema: string;
  readonly distinguisher: string;
  readonly seats: number;
  readonly arrivedMs: number;
  startedMs: number | undefined;
  /** The queue that it came through; undefined when it never had to choose one. */
  readonly queue: RequestQueue | undefined;
}

interface Waiting extends Ticket {
  readonly admit: () => void;
}

/** One queue. `nextDispatch` is in virtual seat-seconds: when its first request would start if all queues were served in turn. */
export interface RequestQueue {
  readonly index: number;
  readonly waiting: Waiting[];
  executing: number;
  seatsInUse: number;
  nextDispatch: number;
}

export interface QueueSettings {
  readonly queues: number;
  readonly handSize: number;
  readonly queueLengthLimit: number;
}

/** What a request is charged before it is known how long it takes, seconds. */
const estimatedSeconds = 0.003;

/**
 * The seats of one priority level. Requests that find none wait in queues, which are served fairly: the one whose
 * flow has had least so far comes first, by virtual time (fair queuing for server requests).
 */
export class QueueSet {
  private readonly clock: Clock;
  private queues: RequestQueue[] = [];
  private settings: QueueSettings | undefined;
  private limit: number;
  private virtual = 0;
  private virtualAtMs: number;
  /** Seats taken and asked for at most since the last look. */
  private highest = 0;
  /** Requests and seats in use, by schema; for metrics. */
  readonly running = new Map<string, { requests: number; seats: number }>();
  inUse = 0;
  executing = 0;
  waiting = 0;
  waitingSeats = 0;

  constructor(clock: Clock, limit: number, settings: QueueSettings | undefined) {
    this.clock = clock;
    this.limit = limit;
    this.virtualAtMs = clock.monotonic();
    this.configure(limit, settings);
  }

  get seats(): number {
    return this.limit;
  }

  get configuration(): QueueSettings | undefined {
    return this.settings;
  }

  /** Seats beyond the limit are given back as their requests end. Requests in queues that are dropped are served from where they are. */
  configure(limit: number, settings: QueueSettings | undefined): void {
    this.advance();
    this.limit = limit;
    if (settings?.queues !== this.settings?.queues) {
      const kept = this.queues.filter(({ waiting, executing }) => waiting.length > 0 || executing > 0);
      const fresh = Array.from({ length: settings?.queues ?? 0 }, (_one, index) => emptyQueue(index));
      this.queues = [...fresh, ...kept];
    }
    this.settings = settings;
    this.dispatch();
  }

  /** Gives seats at once; undefined when the request would have to wait. */
  tryAdmit(schema: string, distinguisher: string, seats: number): Ticket | undefined {
    if (this.waiting > 0 || !this.fits(seats)) return undefined;
    this.advance();
    const ticket: Ticket = { schema, distinguisher, seats, arrivedMs: this.clock.now(), startedMs: this.clock.now(), queue: undefined };
    this.take(ticket);
    return ticket;
  }

  /** Waits for seats. Rejects by returning the reason why there will be none. */
  async wait(
    schema: string,
    distinguisher: string,
    seats: number,
    hash: number,
    limits: { readonly signal: AbortSignal; readonly maxMs: number },
  ): Promise<Ticket | RejectReason> {
    const { settings } = this;
    if (settings === undefined) return 'concurrency-limit';
    const queue = this.choose(hash, settings);
    if (queue.waiting.length >= settings.queueLengthLimit) return 'queue-full';
    this.advance();
    if (queue.waiting.length === 0 && queue.executing === 0) queue.nextDispatch = Math.max(queue.nextDispatch, this.virtual);
    return new Promise((resolve) => {
      const leave = (reason: RejectReason) => (): void => {
        const at = queue.waiting.indexOf(ticket);
        if (at < 0) return;
        queue.waiting.splice(at, 1);
        this.left(ticket);
        end();
        resolve(reason);
        this.dispatch();
      };
      const onAbort = leave('cancelled');
      const timer = this.clock.after(limits.maxMs, leave('time-out'));
      const end = (): void => {
        timer.cancel();
        limits.signal.removeEventListener('abort', onAbort);
      };
      const ticket: Waiting = {
        schema,
        distinguisher,
        seats,
        arrivedMs: this.clock.now(),
        startedMs: undefined,
        queue,
        admit: () => {
          end();
          resolve(ticket);
        },
      };
      limits.signal.addEventListener('abort', onAbort, { once: true });
      queue.waiting.push(ticket);
      this.waiting++;
      this.waitingSeats += seats;
      this.highest = Math.max(this.highest, this.inUse + this.waitingSeats);
      this.dispatch();
    });
  }

  /** The request is over. */
  release(ticket: Ticket): void {
    this.advance();
    this.inUse -= ticket.seats;
    this.executing--;
    const running = this.running.get(ticket.schema);
    if (running !== undefined) {
      running.requests--;
      running.seats -= ticket.seats;
    }
    const { queue } = ticket;
    if (queue !== undefined) {
      queue.executing--;
      queue.seatsInUse -= ticket.seats;
      const seconds = (this.clock.now() - (ticket.startedMs ?? ticket.arrivedMs)) / 1000;
      // The flow pays for what it took, not for what was guessed.
      queue.nextDispatch += ticket.seats * (seconds - estimatedSeconds);
    }
    this.dispatch();
  }

  /** The most seats that were taken and waited for since the last call. */
  takeDemand(): number {
    const demand = Math.max(this.highest, this.inUse + this.waitingSeats);
    this.highest = this.inUse + this.waitingSeats;
    return demand;
  }

  /** For dumps. Queues that nobody uses are left out. */
  used(): readonly RequestQueue[] {
    return this.queues.filter(({ waiting, executing }) => waiting.length > 0 || executing > 0);
  }

  all(): readonly RequestQueue[] {
    return this.queues;
  }

  private choose(hash: number, { queues, handSize }: QueueSettings): RequestQueue {
    let best: RequestQueue | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const index of deal(hash, queues, handSize)) {
      const queue = this.queues[index];
      if (queue === undefined) continue;
      const load = queue.waiting.reduce((sum, { seats }) => sum + seats, queue.seatsInUse);
      if (load >= least) continue;
      best = queue;
      least = load;
    }
    if (best === undefined) throw new Error('a priority level has no queues');
    return best;
  }

  private dispatch(): void {
    while (this.waiting > 0) {
      let next: RequestQueue | undefined;
      let soonest = Number.POSITIVE_INFINITY;
      for (const queue of this.queues) {
        const [first] = queue.waiting;
        if (first === undefined) continue;
        const finish = queue.nextDispatch + first.seats * estimatedSeconds;
        if (finish >= soonest) continue;
        next = queue;
        soonest = finish;
      }
      const ticket = next?.waiting[0];
      if (next === undefined || ticket === undefined || !this.fits(ticket.seats)) return;
      this.advance();
      next.waiting.shift();
      next.nextDispatch += ticket.seats * estimatedSeconds;
      next.executing++;
      next.seatsInUse += ticket.seats;
      this.left(ticket);
      this.take(ticket);
      ticket.startedMs = this.clock.now();
      ticket.admit();
    }
  }

  private fits(seats: number): boolean {
    // A request that is wider than the level runs alone.
    return this.inUse + seats <= this.limit || (this.inUse === 0 && this.limit > 0);
  }

  private take({ schema, seats }: Ticket): void {
    this.inUse += seats;
    this.executing++;
    const running = this.running.get(schema);
    if (running === undefined) this.running.set(schema, { requests: 1, seats });
    else {
      running.requests++;
      running.seats += seats;
    }
    this.highest = Math.max(this.highest, this.inUse + this.waitingSeats);
  }

  private left(ticket: Ticket): void {
    this.waiting--;
    this.waitingSeats -= ticket.seats;
  }

  /** Virtual time runs as fast as each queue that is in use would be served, were they served in turn. */
  private advance(): void {
    const now = this.clock.monotonic();
    const seconds = (now - this.virtualAtMs) / 1000;
    this.virtualAtMs = now;
    if (seconds <= 0 || this.waiting === 0) return;
    let active = 0;
    for (const { waiting, executing } of this.queues) if (waiting.length > 0 || executing > 0) active++;
    if (active > 0) this.virtual += (seconds * Math.min(this.limit, this.inUse + this.waitingSeats)) / active;
  }
}

function emptyQueue(index: number): RequestQueue {
  return { index, waiting: [], executing: 0, seatsInUse: 0, nextDispatch: 0 };
}
