import { isAlreadyExists, isConflict, isNotFound, resources } from '@bayplan/api';
import type { Lease } from '@bayplan/api';
import { microTimestamp } from '@bayplan/component-base';
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
  readonly signal: AbortSignal;
}

interface Observed {
  /** The lease as last seen, and when it was last seen to change, by this process's clock. */
  lease: Lease | undefined;
  changedAtMs: number;
}

/**
 * Takes part in the election until the signal aborts: waits for the lease, leads, and when the lease is lost
 * waits again. On abort the lease is given back, so that the next leader need not wait. Resolves then.
 */
export async function runLeaderElection(options: LeaderElectorOptions): Promise<void> {
  const { clock, logger, signal, identity, lead } = options;
  const retryPeriodMs = options.retryPeriodMs ?? 2000;
  const renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
  const observed: Observed = { lease: undefined, changedAtMs: 0 };
  while (!signal.aborted) {
    if (!(await tryAcquire(options, observed))) {
      await pause(clock, retryPeriodMs, signal);
      continue;
    }
    logger.info('Became leader', { lease: `${options.namespace}/${options.name}`, identity });
    const term = new AbortController();
    const endTerm = (): void => term.abort(signal.reason);
    signal.addEventListener('abort', endTerm, { once: true });
    let ended = false;
    const leading = lead(term.signal)
      .catch((error: unknown) => {
        if (!term.signal.aborted) logger.error('Stopped leading because of an error', { err: error });
      })
      .finally(() => (ended = true));
    let renewedAtMs = clock.monotonic();
    while (!term.signal.aborted && !ended) {
      await Promise.race([pause(clock, retryPeriodMs, term.signal), leading]);
      if (term.signal.aborted || ended) break;
      if (await tryAcquire(options, observed)) renewedAtMs = clock.monotonic();
      else if (clock.monotonic() - renewedAtMs >= renewDeadlineMs) {
        logger.warn('Lost the lease', { lease: `${options.namespace}/${options.name}`, identity });
        term.abort(new Error('the lease was lost'));
      }
    }
    await leading;
    signal.removeEventListener('abort', endTerm);
    await release(options, observed);
    if (!signal.aborted) await pause(clock, retryPeriodMs, signal);
  }
}

async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(delayMs, signal).catch(() => undefined); // an abort ends the pause
}

/** Takes or renews the lease. False when another holds it or the API did not answer. */
async function tryAcquire(options: LeaderElectorOptions, observed: Observed): Promise<boolean> {
  const { client, clock, logger, namespace, name, identity, signal } = options;
  const leaseDurationMs = options.leaseDurationMs ?? 15_000;
  const now = microTimestamp(clock.now());
  const durationSeconds = Math.ceil(leaseDurationMs / 1000);
  const wanted = { holderIdentity: identity, leaseDurationSeconds: durationSeconds, renewTime: now };
  const deadline = AbortSignal.timeout(options.renewDeadlineMs ?? 10_000);
  try {
    // The holder renews from what it wrote last, without reading first.
    const mine = observed.lease?.spec?.holderIdentity === identity;
    let lease = mine
      ? observed.lease
      : await client.get(resources.leases, { namespace, name }, { signal: deadline }).catch(absentAsUndefined);
    if (lease === undefined) {
      const metadata = { namespace, name };
      lease = await client.create(
        resources.leases,
        { metadata, spec: { ...wanted, acquireTime: now, leaseTransitions: 0 } },
        { signal: deadline },
      );
    } else {
      note(options, observed, lease);
      const spec = lease.spec ?? {};
      const holder = spec.holderIdentity;
      const validForMs = (spec.leaseDurationSeconds ?? durationSeconds) * 1000;
      if (holder && holder !== identity && clock.monotonic() < observed.changedAtMs + validForMs) return false;
      const taken = holder === identity ? {} : { acquireTime: now, leaseTransitions: (spec.leaseTransitions ?? 0) + 1 };
      lease = await client.update(resources.leases, { ...lease, spec: { ...spec, ...wanted, ...taken } }, { signal: deadline });
    }
    note(options, observed, lease);
    return true;
  } catch (error) {
    if (isConflict(error) || isAlreadyExists(error) || isNotFound(error)) observed.lease = undefined;
    else if (!signal.aborted) logger.warn('Failed to acquire or renew the lease', { lease: `${namespace}/${name}`, err: error });
    return false;
  }
}

function absentAsUndefined(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
  return undefined;
}

function note(options: LeaderElectorOptions, observed: Observed, lease: Lease): void {
  const before = observed.lease;
  if (before?.metadata.resourceVersion !== lease.metadata.resourceVersion) {
    observed.changedAtMs = options.clock.monotonic();
    observed.lease = lease;
  }
  const holder = lease.spec?.holderIdentity;
  if (holder && holder !== before?.spec?.holderIdentity) options.onNewLeader?.(holder);
}

async function release(options: LeaderElectorOptions, observed: Observed): Promise<void> {
  const { lease } = observed;
  if (lease?.spec?.holderIdentity !== options.identity) return;
  const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTimestamp(options.clock.now()) };
  try {
    await options.client.update(resources.leases, { ...lease, spec }, { signal: AbortSignal.timeout(2000) });
  } catch (error) {
    options.logger.debug('Failed to release the lease', { err: error });
  }
  observed.lease = undefined;
}
