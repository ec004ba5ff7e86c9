import { isConflict, isNotFound, resources } from '@bayplan/api';
import type { Lease } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import { microTimestamp } from '@bayplan/component-base';
import type { Clock, Logger } from '@bayplan/component-base';

const leaseNamespace = 'kube-node-lease';
const leaseSeconds = 40;
const renewMs = 10_000;
const retryMs = 2_000;
const callTimeoutMs = 8_000;

/** Renews the node's lease every ten seconds until the signal aborts: the heartbeat of the node. */
export async function keepNodeLease(options: {
  readonly client: Client;
  readonly nodeName: string;
  readonly nodeUid: () => string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { client, nodeName, clock, logger, signal } = options;
  let lease: Lease | undefined;
  while (!signal.aborted) {
    let delayMs = renewMs;
    try {
      lease = await renew(client, nodeName, options.nodeUid(), clock, lease, AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]));
    } catch (error) {
      lease = undefined;
      delayMs = retryMs;
      if (!signal.aborted) logger.warn('Failed to renew the node lease', { err: error });
    }
    await clock.sleep(delayMs, signal).catch(() => undefined);
  }
}

async function renew(
  client: Client,
  nodeName: string,
  nodeUid: string,
  clock: Clock,
  known: Lease | undefined,
  signal: AbortSignal,
): Promise<Lease> {
  const key = { namespace: leaseNamespace, name: nodeName };
  const spec = { holderIdentity: nodeName, leaseDurationSeconds: leaseSeconds, renewTime: microTimestamp(clock.now()) };
  const ownerReferences = nodeUid === '' ? [] : [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeUid }];
  try {
    const present = known ?? (await client.get(resources.leases, key, { signal }));
    return await client.update(
      resources.leases,
      { ...present, metadata: { ...present.metadata, ownerReferences }, spec: { ...present.spec, ...spec } },
      { signal },
    );
  } catch (error) {
    if (isConflict(error)) return renew(client, nodeName, nodeUid, clock, undefined, signal);
    if (!isNotFound(error)) throw error;
    return client.create(
      resources.leases,
      { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { ...key, ownerReferences }, spec },
      { signal },
    );
  }
}
