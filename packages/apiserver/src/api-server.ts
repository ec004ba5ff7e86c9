import type { FeatureGates } from '@bayplan/api';
import type { Clock, Logger, MetricsRegistry } from '@bayplan/component-base';
import type { Transport } from '@bayplan/client';
import type { Store } from '@bayplan/store';
import type { AdmissionOptions } from './admission/plugins.ts';
import type { AuditOptions } from './audit/audit-options.ts';
import type { AuthenticationOptions } from './authentication/authentication-options.ts';
import type { AuthorizationOptions } from './authorization/authorization-sources.ts';
import type { ApiRequest } from './http/request.ts';
import type { ApiResponse } from './http/response.ts';
import type { EncryptionOptions } from './keys/encryption-at-rest.ts';
import type { ComponentCheck } from './reviews/component-statuses.ts';
import type { PodRoute } from './webhooks/service-link.ts';
import type { ClusterKeys } from './keys/cluster-keys.ts';

export interface ApiServerOptions {
  readonly store: Store;
  /** From `loadOrCreateClusterKeys`; the same on every server of a cluster. */
  readonly keys: ClusterKeys;
  /** Default `0.0.0.0`. */
  readonly bindAddress?: string;
  /** Default 6443; 0 takes a free one. */
  readonly port?: number;
  /** The address that other machines and pods reach this server at; default: the first global IPv4 address of the host. */
  readonly advertiseAddress?: string;
  /** Default `10.96.0.0/12`. Its first address is the `kubernetes` Service. */
  readonly serviceCidr?: string;
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** More names and addresses for the serving certificate. */
  readonly tlsSans?: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly admission?: AdmissionOptions;
  readonly authentication?: AuthenticationOptions;
  /** How pods are reached: over this host's routes, through the agents of their nodes, or (default) whichever fits. */
  readonly podRoute?: PodRoute | undefined;
  readonly authorization?: AuthorizationOptions;
  readonly audit?: AuditOptions;
  /** Default: Secrets are sealed with the cluster's own key. */
  readonly encryption?: EncryptionOptions | undefined;
  /** Longest time for a request that is no watch or stream; default one minute. */
  readonly requestTimeoutMs?: number | undefined;
  /** As `--feature-gates` sets them; as Kubernetes 1.36 has them when undefined. */
  readonly features?: FeatureGates | undefined;
  /** After it is told to stop the server answers for so long, not ready any more, so that others take over; default 0. */
  readonly shutdownDelayMs?: number | undefined;
  /** Longest time that requests under way are given at the end; default one minute. */
  readonly drainMs?: number | undefined;
  /** Whether `/debug/pprof/` is there, for who RBAC allows; default true. */
  readonly profiling?: boolean | undefined;
  /** Other parts of the control plane in this process, for `componentstatuses`. */
  readonly components?: readonly ComponentCheck[] | undefined;
  /** Shown at `/flagz`: no secrets. */
  readonly flags?: Readonly<Record<string, string>> | undefined;
  /** Requests that may run at once, read-only and mutating: priority and fairness deals their sum out. Default 400 and 200. */
  readonly maxRequestsInFlight?: { readonly readOnly: number; readonly mutating: number };
}

/** Who a call is made as. `groups` leaves out `system:authenticated`, which is always added. */
export interface Identity {
  readonly name: string;
  readonly groups?: readonly string[];
}

/**
 * An API server of this process. Made ready by `createApiServer` (bootstrap objects written); answers on
 * the network from `listen()` on, and to loopbacks at once.
 */
export interface ApiServer {
  listen(): Promise<{ readonly address: string; readonly port: number }>;
  /** The whole chain behind TLS, whatever carried the request. Never rejects: failures are `Status` answers. */
  handle(request: ApiRequest): Promise<ApiResponse>;
  /** Calls under `identity` with neither TLS nor HTTP. Authorised like any other. */
  loopback(identity: Identity): Transport;
  /** The cluster CA that clients trust, in PEM. */
  readonly caPem: string;
  /** Stops accepting, ends watches, waits for requests in flight (at most `drainMs`). The store stays open: it is the caller's. */
  close(): Promise<void>;
}
