import { Counter, Gauge } from '@bayplan/component-base';
import type { MetricsRegistry } from '@bayplan/component-base';
import type { Flow, FlowController } from './flow-controller.ts';
import type { PriorityLevel } from './priority-level.ts';
import { registerTallies } from '../tally.ts';
import type { TallySeries } from '../tally.ts';

const flowLabels = ['priority_level', 'flow_schema'] as const;

/** Exports what the levels and flows have counted; read only when somebody asks for the metrics. */
export function registerFairnessMetrics(registry: MetricsRegistry, controller: FlowController): void {
  const registers = [registry];
  perLevel(registers, controller);
  perFlow(registers, controller);
  const waits = (flow: Flow): TallySeries[] => [
    { labels: { ...labelsOf(flow), execute: 'true' }, tally: flow.counters.admittedAfter },
    { labels: { ...labelsOf(flow), execute: 'false' }, tally: flow.counters.refusedAfter },
  ];
  registerTallies(registry, 'apiserver_flowcontrol_request_wait_duration_seconds', 'Time that requests waited for their seats.', () =>
    controller.allFlows().flatMap(waits),
  );
  registerTallies(registry, 'apiserver_flowcontrol_request_execution_seconds', 'Time that requests held their seats.', () =>
    controller.allFlows().map((flow) => ({ labels: labelsOf(flow), tally: flow.counters.execution })),
  );
}

const labelsOf = ({ name, level }: Flow) => ({ priority_level: level.name, flow_schema: name });

function perLevel(registers: MetricsRegistry[], controller: FlowController): void {
  const gauge = (name: string, help: string, valueOf: (level: PriorityLevel) => number): void => {
    new Gauge({
      name: `apiserver_flowcontrol_${name}`,
      help,
      labelNames: ['priority_level'],
      registers,
      collect() {
        this.reset();
        for (const level of controller.levels.values()) this.set({ priority_level: level.name }, valueOf(level));
      },
    });
  };
  gauge('nominal_limit_seats', 'Seats by shares.', ({ limits }) => limits.nominal);
  gauge('lower_limit_seats', 'Seats that are never lent.', ({ limits }) => limits.min);
  gauge('upper_limit_seats', 'Seats at most, borrowed ones included.', ({ limits }) => limits.max);
  gauge('current_limit_seats', 'Seats now.', ({ seats }) => seats.seats);
  gauge('demand_seats_smoothed', 'Seats asked for lately.', ({ demand }) => demand);
  gauge('request_concurrency_in_use', 'Seats that are taken.', ({ seats }) => seats.inUse);
  gauge('request_concurrency_limit', 'Seats by shares.', ({ limits }) => limits.nominal);
  new Gauge({
    name: 'apiserver_flowcontrol_seat_fair_frac',
    help: 'Part of their target that levels got when seats were last dealt out.',
    registers,
    collect() {
      this.set(controller.fairFraction);
    },
  });
}

function perFlow(registers: MetricsRegistry[], controller: FlowController): void {
  new Counter({
    name: 'apiserver_flowcontrol_dispatched_requests_total',
    help: 'Requests that got their seats.',
    labelNames: flowLabels,
    registers,
    collect() {
      this.reset();
      for (const flow of controller.allFlows()) this.inc(labelsOf(flow), flow.counters.dispatched);
    },
  });
  new Counter({
    name: 'apiserver_flowcontrol_rejected_requests_total',
    help: 'Requests that were answered 429.',
    labelNames: [...flowLabels, 'reason'],
    registers,
    collect() {
      this.reset();
      for (const flow of controller.allFlows())
        for (const [reason, count] of flow.counters.rejected) this.inc({ ...labelsOf(flow), reason }, count);
    },
  });
  const current = (name: string, help: string, count: (level: PriorityLevel, schema: string) => number): void => {
    new Gauge({
      name: `apiserver_flowcontrol_${name}`,
      help,
      labelNames: flowLabels,
      registers,
      collect() {
        this.reset();
        for (const flow of controller.allFlows()) this.set(labelsOf(flow), count(flow.level, flow.name));
      },
    });
  };
  const waitingOf = (level: PriorityLevel, schema: string) =>
    level.seats.used().flatMap(({ waiting }) => waiting.filter((ticket) => ticket.schema === schema));
  current('current_inqueue_requests', 'Requests that wait.', (level, schema) => waitingOf(level, schema).length);
  current('current_inqueue_seats', 'Seats that are waited for.', (level, schema) =>
    waitingOf(level, schema).reduce((sum, { seats }) => sum + seats, 0),
  );
  current('current_executing_requests', 'Requests that hold seats.', (level, schema) => level.seats.running.get(schema)?.requests ?? 0);
  current('current_executing_seats', 'Seats that are held.', (level, schema) => level.seats.running.get(schema)?.seats ?? 0);
}
