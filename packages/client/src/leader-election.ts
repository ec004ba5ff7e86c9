import type { Clock, Logger } from '@bayplan/component-base';
import type { Client } from './client.ts';

export interface LeaderElectorOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The Lease, such as `kube-system` / `kube-controller-manager`. */
  readonly namespace: string;
  readonly name: string;
  /** Unique to this candidate: host name and a random part. */
  readonly identity: string;
  /** Others wait this long after the last renewal that they saw. Default 15,000. */
  readonly leaseDurationMs?: number;
  /** The leader gives up when it could not renew for this long. Default 10,000. */
  readonly renewDeadlineMs?: number;
  /** Time between tries. Default 2,000. */
  readonly retryPeriodMs?: number;
  /** Called on becoming leader; its signal aborts when the lease is lost. Must end soon after that. */
  readonly lead: (signal: AbortSignal) => Promise<void>;
  /** Called when a new leader is seen, this one included. */
  readonly onNewLeader?: (identity: string) => void;
}
