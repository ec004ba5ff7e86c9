import { isNotFound, resources } from '@bayplan/api';
import type { Condition, IPAddress, ServiceCIDR } from '@bayplan/api';
import type { ReconcileResult } from '@bayplan/client';
import { timestamp } from '@bayplan/component-base';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { inRange } from './ranges.ts';

const finalizer = 'networking.k8s.io/service-cidr-finalizer';
/** A server may be handing out an address of the range right now. */
const settleMs = 10_000;
const stillUsed = 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR';

/** Says of ServiceCIDRs whether they are in use, and keeps one that is being deleted until no address needs it. */
export async function runServiceCidrController(context: ControllerContext): Promise<void> {
  const { client, informers, recorder, clock, signal } = context;
  const ranges = informers.informer(resources.serviceCIDRs);
  const addresses = informers.informer(resources.ipAddresses);
  const queue = queueFor(context, 'ipaddresses');

  onChange(context, ranges, (range) => {
    queue.add(range.metadata.name ?? '');
    // Another range may cover the addresses of one that is being deleted.
    for (const other of ranges.lister.list()) if (other.metadata.deletionTimestamp !== undefined) queue.add(other.metadata.name ?? '');
  });
  onChange(context, addresses, (_address, previous, deleted) => {
    if (!deleted && previous !== undefined) return;
    for (const range of ranges.lister.list()) if (range.metadata.deletionTimestamp !== undefined) queue.add(range.metadata.name ?? '');
  });

  async function reconcile(name: string): Promise<ReconcileResult | void> {
    const range = ranges.lister.get(name);
    if (range === undefined) return;
    try {
      if (range.metadata.deletionTimestamp !== undefined) return await release(range, range.metadata.deletionTimestamp);
      const finalizers = range.metadata.finalizers ?? [];
      const kept = finalizers.includes(finalizer) ? range : await writeFinalizers(range, [...finalizers, finalizer]);
      await setReady(kept, 'True', '', 'Kubernetes Service CIDR is ready');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function release(range: ServiceCIDR, deletedAt: string): Promise<ReconcileResult | void> {
    const finalizers = range.metadata.finalizers ?? [];
    if (!finalizers.includes(finalizer)) return;
    if (addresses.lister.list().some((address) => needs(address, range))) {
      await setReady(range, 'False', 'Terminating', stillUsed);
      return;
    }
    const leftMs = Date.parse(deletedAt) + settleMs - clock.now();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    await writeFinalizers(
      range,
      finalizers.filter((one) => one !== finalizer),
    );
  }

  /** Whether an address lies in this range and in no other that stays. */
  function needs(address: IPAddress, range: ServiceCIDR): boolean {
    const ip = address.metadata.name ?? '';
    const covers = (one: ServiceCIDR): boolean => (one.spec?.cidrs ?? []).some((cidr) => inRange(cidr, ip));
    const others = ranges.lister
      .list()
      .filter((one) => one.metadata.uid !== range.metadata.uid && one.metadata.deletionTimestamp === undefined);
    return covers(range) && !others.some(covers);
  }

  async function writeFinalizers(range: ServiceCIDR, finalizers: string[]): Promise<ServiceCIDR> {
    const { name = '', uid, resourceVersion } = range.metadata;
    return client.patch(resources.serviceCIDRs, { name }, 'merge', { metadata: { uid, resourceVersion, finalizers } }, { signal });
  }

  async function setReady(range: ServiceCIDR, status: 'True' | 'False', reason: string, message: string): Promise<void> {
    const before = range.status?.conditions?.find((one) => one.type === 'Ready');
    if (before?.status === status && before.reason === reason && before.message === message) return;
    const now = timestamp(clock.now());
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now;
    const condition: Condition = { type: 'Ready', status, reason, message, lastTransitionTime };
    const conditions = [...(range.status?.conditions ?? []).filter((one) => one.type !== 'Ready'), condition];
    await client.update(resources.serviceCIDRs, { ...range, status: { ...range.status, conditions } }, { subresource: 'status', signal });
    if (status === 'False')
      recorder.event(
        { ref: resources.serviceCIDRs, object: range },
        'Warning',
        'KubernetesServiceCIDRError',
        'The ServiceCIDR is being deleted, but it is in use',
      );
  }

  await runController(context, { queue, caches: [ranges, addresses], workers: 1, reconcile });
}
