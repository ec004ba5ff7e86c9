import { tooManyRequests } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import type { RequestContext } from '../chain/context.ts';
import type { Step } from '../chain/chain.ts';
import type { Outcome } from '../chain/outcome.ts';
import { isLongRunning } from '../chain/long-running.ts';
import type { Registry } from '../registry/registry.ts';
import type { Flow, FlowController } from './flow-controller.ts';
import { hashOf } from './shuffle-sharding.ts';
import type { RejectReason, Ticket } from './queue-set.ts';

const maxListSeats = 10;
const objectsPerSeat = 100;
/** A request waits for its seats for a quarter of its time at most. */
const patiencePart = 4;

export interface FairnessOptions {
  readonly controller: FlowController;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
}

/**
 * Step 4: each request takes seats of its priority level, waits in a fair queue, or is answered 429. Calls inside
 * this process are exempt: the control loops must go on whatever clients do. Watches hold their seats until they
 * have begun; streams and tunnels hold none.
 */
export function fairness(options: FairnessOptions): Step {
  const { controller, clock } = options;
  return (context, next) => {
    if (context.request.peer.kind === 'loopback' || (isLongRunning(context) && context.info.verb !== 'watch')) return next();
    const flow = controller.flowOf(context);
    if (flow === undefined) return next();
    context.responseHeaders = flow.headers;
    const { level } = flow;
    if (level.exempt) return exempt(flow, next, clock);
    const seats = seatsOf(context, options.registry);
    const distinguisher = distinguisherOf(flow, context);
    const ticket = level.seats.tryAdmit(flow.name, distinguisher, seats);
    if (ticket !== undefined) {
      flow.counters.admittedAfter.add(0);
      return run(flow, ticket, next, options);
    }
    return queueUp(flow, distinguisher, seats, context, next, options);
  };
}

async function exempt(flow: Flow, next: () => Promise<Outcome>, clock: Clock): Promise<Outcome> {
  const startMs = clock.monotonic();
  const { level } = flow;
  level.dispatched++;
  flow.counters.dispatched++;
  level.seats.executing++;
  try {
    return await next();
  } finally {
    level.seats.executing--;
    flow.counters.execution.add((clock.monotonic() - startMs) / 1000);
  }
}

async function queueUp(
  flow: Flow,
  distinguisher: string,
  seats: number,
  context: RequestContext,
  next: () => Promise<Outcome>,
  options: FairnessOptions,
): Promise<Outcome> {
  const { controller, clock } = options;
  const startMs = clock.monotonic();
  const waiting = flow.level.seats.wait(flow.name, distinguisher, seats, hashOf(`${flow.name}/${distinguisher}`), {
    signal: context.request.signal,
    maxMs: options.requestTimeoutMs / patiencePart,
  });
  controller.pressed();
  const result = await waiting;
  const { admittedAfter, refusedAfter } = flow.counters;
  (typeof result === 'string' ? refusedAfter : admittedAfter).add((clock.monotonic() - startMs) / 1000);
  if (typeof result !== 'string') return run(flow, result, next, options);
  throw refusal(flow, result, clock);
}

function refusal(flow: Flow, reason: RejectReason, clock: Clock): Error {
  const { level, counters } = flow;
  if (reason === 'time-out') level.timedOut++;
  if (reason === 'cancelled') level.cancelled++;
  counters.rejected.set(reason, (counters.rejected.get(reason) ?? 0) + 1);
  return tooManyRequests('Too many requests, please try again later.', level.refuse(clock.now()));
}

async function run(flow: Flow, ticket: Ticket, next: () => Promise<Outcome>, { clock }: FairnessOptions): Promise<Outcome> {
  const startMs = clock.monotonic();
  flow.level.dispatched++;
  flow.counters.dispatched++;
  try {
    return await next();
  } finally {
    flow.level.seats.release(ticket);
    flow.counters.execution.add((clock.monotonic() - startMs) / 1000);
  }
}

function distinguisherOf(flow: Flow, context: RequestContext): string {
  switch (flow.distinguisher) {
    case 'ByUser':
      return context.user.name;
    case 'ByNamespace':
      return context.info.isResource ? context.info.namespace : '';
    case '':
      return '';
  }
}

/** A list costs by what it may have to go through; everything else is one. */
function seatsOf({ info, request, knownResource }: RequestContext, registry: Registry): number {
  if (!info.isResource || info.verb !== 'list' || !knownResource || info.name !== '') return 1;
  const size = registry.find(info.group, info.version, info.resource)?.storage?.cache.size ?? 0;
  if (size <= objectsPerSeat) return 1;
  const limit = Number(request.query.get('limit') ?? 0);
  const objects =
    limit > 0 && request.query.get('labelSelector') === null && request.query.get('fieldSelector') === null ? Math.min(limit, size) : size;
  return Math.min(maxListSeats, Math.max(1, Math.ceil(objects / objectsPerSeat)));
}
