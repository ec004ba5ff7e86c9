import type { KubeObject, ResourceRef } from '@bayplan/api';
import type { Clock, Logger } from '@bayplan/component-base';
import type { Client } from './client.ts';

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
