import { Counter, Gauge, Histogram } from '@bayplan/component-base';
import type { MetricsRegistry } from '@bayplan/component-base';
import type { Flow, FlowController } from './flow-controller.ts';
import type { PriorityLevel } from './priority-level.ts';

const flowLabels = ['priority_level', 'flow_schema'] as const;
const waitBuckets = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const executionBuckets = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

/** What requests report. What can be read from the levels is, only when somebody asks for the metrics. */
export interface FairnessMetrics {
  waited(flow: Flow, seconds: number, execute: boolean): void;
  executed(flow: Flow, seconds: number): void;
}

export function createFairnessMetrics(registry: MetricsRegistry, controller: FlowController): FairnessMetrics {
  const registers = [registry];
  perLevel(registers, controller);
  perFlow(registers, controller);
  const wait = new Histogram({
    name: 'apiserver_flowcontrol_request_wait_duration_seconds',
    help: 'Time that requests waited for their seats.',
    labelNames: [...flowLabels, 'execute'],
    buckets: waitBuckets,
    registers,
  });
  const execution = new Histogram({
    name: 'apiserver_flowcontrol_request_execution_seconds',
    help: 'Time that requests held their seats.',
    labelNames: flowLabels,
    buckets: executionBuckets,
    registers,
  });
  return {
    waited: (flow, seconds, execute) => wait.observe({ ...labelsOf(flow), execute: String(execute) }, seconds),
    executed: (flow, seconds) => execution.observe(labelsOf(flow), seconds),
  };
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
