import { apiVersionOf, isNotFound, resources, statusOf } from '@bayplan/api';
import type { KubeObject, ResourceRef } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { Clock, Logger } from '@bayplan/component-base';
import type { Client } from './client.ts';
import { EventCorrelator } from './event-correlation.ts';

export interface EventSubject {
  readonly ref: ResourceRef;
  readonly object: KubeObject;
  /** Such as `spec.containers{web}`. */
  readonly fieldPath?: string;
}

/** Writes Events in the background. Never throws and never waits: when it is overrun it drops. */
export interface EventRecorder {
  event(subject: EventSubject, type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Resolves when everything recorded so far was written or given up. */
  flush(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `source.component` and `reportingComponent`, such as `kubelet`. */
  readonly component: string;
  /** `source.host`: the node, for components that have one. */
  readonly host?: string;
  readonly signal: AbortSignal;
}

/** Events that may wait to be written; more are dropped. */
const maxQueued = 1000;
const maxAttempts = 3;
const retryDelayMs = 2000;

interface Pending {
  readonly subject: EventSubject;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly nowMs: number;
}

/** Makes a recorder that writes one Event at a time until the signal aborts. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { clock, logger, signal } = options;
  const correlator = new EventCorrelator();
  const pending: Pending[] = [];
  let writing: Promise<void> | undefined;
  let lastNumber = 0n;

  /** Names carry the time in nanoseconds; two events of one millisecond must differ. */
  const uniqueNumber = (): string => {
    const number = BigInt(Math.trunc(clock.now())) * 1_000_000n;
    lastNumber = number > lastNumber ? number : lastNumber + 1n;
    return lastNumber.toString(16);
  };

  const drain = async (): Promise<void> => {
    for (let next = pending.shift(); next !== undefined && !signal.aborted; next = pending.shift()) {
      for (let attempt = 1; attempt <= maxAttempts; attempt++) {
        try {
          await write(options, correlator, next, uniqueNumber);
          break;
        } catch (error) {
          if (signal.aborted || attempt === maxAttempts || !isPassing(error)) {
            logger.debug('Failed to write an event', { reason: next.reason, err: error });
            break;
          }
          await clock.sleep(retryDelayMs, signal).catch(() => undefined); // an abort is seen by the loop
        }
      }
    }
    writing = undefined;
  };

  return {
    event(subject, type, reason, message) {
      if (signal.aborted || pending.length >= maxQueued) return;
      pending.push({ subject, type, reason, message, nowMs: clock.now() });
      writing ??= Promise.resolve().then(drain);
    },
    async flush() {
      await writing;
    },
  };
}

/** A namespace that is gone or a refusal will not pass; anything else may. */
function isPassing(error: unknown): boolean {
  const code = statusOf(error)?.code ?? 503;
  return code === 429 || code >= 500;
}

async function write(options: EventRecorderOptions, correlator: EventCorrelator, item: Pending, uniqueNumber: () => string): Promise<void> {
  const { subject, type, reason, message, nowMs } = item;
  const { metadata } = subject.object;
  const involvedObject = {
    kind: subject.ref.kind,
    apiVersion: apiVersionOf(subject.ref),
    ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    ...(metadata.resourceVersion ? { resourceVersion: metadata.resourceVersion } : {}),
    ...(subject.fieldPath ? { fieldPath: subject.fieldPath } : {}),
  };
  const objectKey = [subject.ref.kind, metadata.namespace, metadata.name, metadata.uid, subject.fieldPath].join('\0');
  const verdict = correlator.correlate({ objectKey, type, reason, message, nowMs });
  if (verdict === undefined) return;
  const { series } = verdict;
  const namespace = metadata.namespace ?? 'default';
  if (series.name !== undefined) {
    const patch = { count: series.count, lastTimestamp: timestamp(nowMs), message: verdict.message };
    try {
      await options.client.patch(resources.events, { namespace, name: series.name }, 'strategic', patch);
      return;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      series.name = undefined; // expired: begin a new one
      series.count = 1;
      series.firstMs = nowMs;
    }
  }
  const created = await options.client.create(resources.events, {
    metadata: { namespace, name: `${metadata.name ?? ''}.${uniqueNumber()}` },
    involvedObject,
    type,
    reason,
    message: verdict.message,
    count: series.count,
    firstTimestamp: timestamp(series.firstMs),
    lastTimestamp: timestamp(nowMs),
    source: { component: options.component, ...(options.host ? { host: options.host } : {}) },
    reportingComponent: options.component,
    reportingInstance: options.host ?? '',
  });
  series.name = created.metadata.name;
}
