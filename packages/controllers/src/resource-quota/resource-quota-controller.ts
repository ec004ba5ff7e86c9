import { evaluatorsOf, isNotFound, resourceListOf, resources, usageOfQuota } from '@bayplan/api';
import type { ResourceQuota } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import type { ReconcileResult } from '@bayplan/client';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { QuotaMonitors } from './quota-monitors.ts';

/** Admission counts what it lets in, also what fails afterwards: so usage is counted anew this often. */
const recountMs = 5 * 60_000;
/** Deletions that come together are counted together. */
const gatherMs = 50;

/** Keeps `status.hard` and `status.used` of ResourceQuotas, by which admission decides. */
export async function runResourceQuotaController(context: ControllerContext): Promise<void> {
  const { client, informers, clock, logger, signal } = context;
  const quotas = informers.informer(resources.resourceQuotas);
  const definitions = informers.informer(resources.customResourceDefinitions);
  const queue = queueFor(context, 'resourcequota');

  const monitors = new QuotaMonitors(context, (namespace, group, resource) => {
    for (const quota of quotas.lister.list(namespace === '' ? undefined : namespace)) {
      const concerned = evaluatorsOf(Object.keys(quota.spec?.hard ?? {}));
      if (concerned.some((one) => one.group === group && one.resource === resource)) queue.addAfter(keyOf(quota), gatherMs);
    }
  });
  onChange(context, quotas, (quota, previous, deleted) => {
    if (!deleted && (previous === undefined || !semanticallyEqual(quota.spec, previous.spec))) queue.add(keyOf(quota));
  });

  async function reconcile(key: string): Promise<ReconcileResult | void> {
    const quota = quotas.lister.get(key);
    if (quota === undefined || quota.metadata.deletionTimestamp !== undefined) return;
    const late = evaluatorsOf(Object.keys(quota.spec?.hard ?? {}))
      .map(({ group, resource }) => monitors.informer(group, resource))
      .find((informer) => informer !== undefined && !informer.hasSynced);
    if (late !== undefined) {
      // Waiting here would hold up the quotas of others.
      void late.synced.then(() => queue.add(key));
      return;
    }
    const status = statusOf(quota);
    if (!semanticallyEqual(status, quota.status)) {
      try {
        await client.update(resources.resourceQuotas, { ...quota, status }, { subresource: 'status', signal });
      } catch (error) {
        if (!isNotFound(error)) throw error;
        return;
      }
      logger.debug('Counted what is used of a quota', { quota: key });
    }
    return { requeueAfterMs: recountMs };
  }

  function statusOf(quota: ResourceQuota): NonNullable<ResourceQuota['status']> {
    const { namespace = '' } = quota.metadata;
    const used = usageOfQuota(quota, (group, resource) => monitors.informer(group, resource)?.lister.list(namespace), clock.now());
    return { hard: { ...quota.spec?.hard }, used: resourceListOf(used) };
  }

  await runController(context, { queue, caches: [quotas, definitions], workers: 2, reconcile });
}
