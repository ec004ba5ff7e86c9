import type { Counter } from '@bayplan/component-base';

/** Takes events. It never makes anybody wait: what does not fit its buffer is dropped and counted. */
export interface AuditBackend {
  /** `event` is handed over. */
  record(event: object): void;
  /** Writes what is left, for as long as the other side takes it. */
  close(): Promise<void>;
}

export interface AuditMetrics {
  readonly events: Counter;
  /** By backend: events that were lost. */
  readonly errors: Counter<'plugin'>;
}
