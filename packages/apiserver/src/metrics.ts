import { Counter, Gauge } from '@bayplan/component-base';
import type { MetricsRegistry } from '@bayplan/component-base';
import { registerTallies, Tally } from './tally.ts';

const labelNames = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component'] as const;
const durationBounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const sliBounds = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const certificateBounds = [
  0, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 345_600, 604_800, 2_592_000, 7_776_000, 15_552_000, 31_104_000,
];
/** Answers with which the server ended a request itself. */
const terminations: ReadonlySet<number> = new Set([429, 503, 504]);

export type RequestLabels = Readonly<Record<(typeof labelNames)[number], string>>;

/** What is counted of the requests that share all labels. */
export interface RequestSeries {
  readonly labels: RequestLabels;
  readonly dryRun: string;
  readonly deprecated: boolean;
  readonly codes: Map<number, number>;
  readonly duration: Tally;
  readonly sli: Tally;
  /** Watches, streams and tunnels that are open. */
  open: number;
}

/** Every metric of the API server's requests, under Kubernetes' names. Counting looks at no labels: they are written when somebody reads. */
export class RequestMetrics {
  readonly series = new Map<string, RequestSeries>();
  readonly inFlight = { readOnly: 0, mutating: 0 };
  readonly certificateSeconds = new Tally(certificateBounds);

  constructor(registry: MetricsRegistry) {
    const all = (): Iterable<RequestSeries> => this.series.values();
    registerCounts(registry, all);
    registerGauges(registry, all, this.inFlight);
    registerTallies(
      registry,
      'apiserver_request_duration_seconds',
      'Time from the arrival of a request to its answer, watches and streams apart.',
      () => [...all()].map(({ labels, dryRun, duration }) => ({ labels: { ...labels, dry_run: dryRun }, tally: duration })),
    );
    registerTallies(registry, 'apiserver_request_sli_duration_seconds', 'The same, of requests that count for the service level.', () =>
      [...all()].filter(({ dryRun }) => dryRun === '').map(({ labels, sli }) => ({ labels, tally: sli })),
    );
    registerTallies(
      registry,
      'apiserver_client_certificate_expiration_seconds',
      'How long the certificates that clients showed were still good.',
      () => [{ labels: {}, tally: this.certificateSeconds }],
    );
  }

  /** The series of a key; `make` says what it is of when it is new. */
  seriesOf(key: string, make: () => Pick<RequestSeries, 'labels' | 'dryRun' | 'deprecated'>): RequestSeries {
    let found = this.series.get(key);
    if (found === undefined) {
      found = { ...make(), codes: new Map(), duration: new Tally(durationBounds), sli: new Tally(sliBounds), open: 0 };
      this.series.set(key, found);
    }
    return found;
  }
}

function registerCounts(registry: MetricsRegistry, all: () => Iterable<RequestSeries>): void {
  const registers = [registry];
  new Counter({
    name: 'apiserver_request_total',
    help: 'Requests that were answered.',
    labelNames: [...labelNames, 'dry_run', 'code'],
    registers,
    collect() {
      this.reset();
      for (const { labels, dryRun, codes } of all())
        for (const [code, count] of codes) this.inc({ ...labels, dry_run: dryRun, code: code.toString() }, count);
    },
  });
  new Counter({
    name: 'apiserver_request_terminations_total',
    help: 'Requests that the server ended in self-defence.',
    labelNames: [...labelNames, 'code'],
    registers,
    collect() {
      this.reset();
      for (const { labels, codes } of all())
        for (const [code, count] of codes) if (terminations.has(code)) this.inc({ ...labels, code: code.toString() }, count);
    },
  });
}

function registerGauges(registry: MetricsRegistry, all: () => Iterable<RequestSeries>, inFlight: RequestMetrics['inFlight']): void {
  const registers = [registry];
  new Gauge({
    name: 'apiserver_current_inflight_requests',
    help: 'Requests that are being worked on.',
    labelNames: ['request_kind'],
    registers,
    collect() {
      this.set({ request_kind: 'readOnly' }, inFlight.readOnly);
      this.set({ request_kind: 'mutating' }, inFlight.mutating);
    },
  });
  new Gauge({
    name: 'apiserver_longrunning_requests',
    help: 'Watches, streams and tunnels that are open.',
    labelNames: [...labelNames],
    registers,
    collect() {
      this.reset();
      for (const { labels, open } of all()) if (open > 0) this.inc(labels, open);
    },
  });
  new Gauge({
    name: 'apiserver_requested_deprecated_apis',
    help: 'Resources that were asked for and should not be used any more.',
    labelNames: ['group', 'version', 'resource', 'subresource', 'removed_release'],
    registers,
    collect() {
      this.reset();
      for (const { labels, deprecated } of all()) {
        const { group, version, resource, subresource } = labels;
        if (deprecated) this.set({ group, version, resource, subresource, removed_release: '' }, 1);
      }
    },
  });
}
