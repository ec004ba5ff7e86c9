import { isNotFound, resources } from '@bayplan/api';
import type { Lease } from '@bayplan/api';
import type { ControllerContext } from '../runtime/controller-context.ts';

const everyMs = 3_600_000;
const identityLabel = 'apiserver.kubernetes.io/identity';

/** Whether a server that held a Lease has been gone for a while: servers that stop in order remove their own. */
export function isLeftBehind({ spec }: Lease, nowMs: number): boolean {
  const renewedMs = Date.parse(spec?.renewTime ?? '');
  return !Number.isNaN(renewedMs) && renewedMs + (spec?.leaseDurationSeconds ?? 0) * 1000 + everyMs < nowMs;
}

/** Once an hour removes the Leases of API servers that died. Leases of nodes go with their Node. */
export async function runLeaseCleanupController(context: ControllerContext): Promise<void> {
  const { client, clock, logger, signal } = context;
  while (!signal.aborted) {
    try {
      const leases = await client.list(resources.leases, {
        namespace: 'kube-system',
        labelSelector: `${identityLabel}=kube-apiserver`,
        signal,
      });
      for (const lease of leases.items.filter((one) => isLeftBehind(one, clock.now()))) await remove(lease);
    } catch (error) {
      if (!signal.aborted) logger.warn('Failed to look for Leases of dead servers', { err: error });
    }
    await clock.sleep(everyMs, signal).catch(() => undefined); // an abort ends the loop
  }

  async function remove({ metadata: { namespace, name = '', uid, resourceVersion } }: Lease): Promise<void> {
    const preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
    try {
      await client.delete(resources.leases, { namespace, name }, { preconditions, signal });
      logger.info('Removed the Lease of a dead server', { lease: name });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
