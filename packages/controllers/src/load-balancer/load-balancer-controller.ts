import { isNotFound, resources } from '@bayplan/api';
import type { Node, Service } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { balancerAddresses, isOwn, portKeys, reservedPorts } from './node-addresses.ts';

/** The label that Kubernetes gave this job's finalizer; it keeps a Service until its addresses are withdrawn. */
const finalizer = 'service.kubernetes.io/load-balancer-cleanup';
const apiServiceKey = 'default/kubernetes';

/**
 * Serves Services of type LoadBalancer on the nodes' own addresses: every ready node takes the Service's ports. Of
 * two Services that want one port the older has it; the other waits and says so.
 */
export async function runLoadBalancerController(context: ControllerContext): Promise<void> {
  const { client, informers, recorder, signal } = context;
  const services = informers.informer(resources.services);
  const nodes = informers.informer(resources.nodes);
  const endpoints = informers.informer(resources.endpoints);
  const queue = queueFor(context, 'service_load_balancer');
  /** Services that were given their ports, also those whose finalizer the cache does not show yet. */
  const holders = new Set<string>();
  const addressesOf = (node: Node | undefined): unknown => (node === undefined ? [] : balancerAddresses([node]));

  const wakeAll = (): void => {
    for (const service of services.lister.list()) if (service.spec?.type === 'LoadBalancer') queue.add(keyOf(service));
  };
  onChange(context, services, (service, previous, deleted) => {
    const concerns = isOwn(service) || (previous !== undefined && isOwn(previous)) || service.metadata.finalizers?.includes(finalizer);
    if (!concerns) return;
    if (deleted || !isOwn(service)) holders.delete(service.metadata.uid ?? '');
    if (!deleted) queue.add(keyOf(service));
    // Its ports may be what another waits for.
    if (deleted || (previous !== undefined && !semanticallyEqual(portKeys(service), portKeys(previous))) || !isOwn(service)) wakeAll();
  });
  onChange(context, nodes, (node, previous, deleted) => {
    if (!semanticallyEqual(deleted ? [] : addressesOf(node), addressesOf(previous))) wakeAll();
  });

  async function reconcile(key: string): Promise<void> {
    const service = services.lister.get(key);
    if (service === undefined) return;
    try {
      if (!isOwn(service) || service.metadata.deletionTimestamp !== undefined) return await withdraw(service);
      const conflict = conflictOf(service);
      if (conflict !== undefined) {
        holders.delete(service.metadata.uid ?? '');
        event(service, 'Warning', 'SyncLoadBalancerFailed', `Error syncing load balancer: failed to ensure load balancer: ${conflict}`);
        return await setIngress(service, []);
      }
      const held = await hold(service);
      await setIngress(held, balancerAddresses(nodes.lister.list()));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Why a Service cannot have its ports. */
  function conflictOf(service: Service): string | undefined {
    const apiPorts = (endpoints.lister.get(apiServiceKey)?.subsets ?? []).flatMap((subset) =>
      (subset.ports ?? []).map((port) => port.port),
    );
    const reserved = reservedPorts(nodes.lister.list(), apiPorts);
    for (const port of portKeys(service)) {
      const use = reserved.get(port);
      if (use !== undefined) return `port ${port} of the nodes is used by ${use}`;
      const older = services.lister.list().find((other) => isOwn(other) && isBefore(other, service) && portKeys(other).includes(port));
      if (older !== undefined) return `port ${port} of the nodes is used by Service ${keyOf(older)}`;
    }
    return undefined;
  }

  /** Who has its ports already comes first, then who was made first. */
  function isBefore(a: Service, b: Service): boolean {
    if (a.metadata.uid === b.metadata.uid || a.metadata.deletionTimestamp !== undefined) return false;
    const isHolder = (one: Service): boolean =>
      holders.has(one.metadata.uid ?? '') || (one.metadata.finalizers?.includes(finalizer) ?? false);
    if (isHolder(a) !== isHolder(b)) return isHolder(a);
    const created = (one: Service): string => `${one.metadata.creationTimestamp ?? ''} ${keyOf(one)}`;
    return created(a) < created(b);
  }

  async function hold(service: Service): Promise<Service> {
    const finalizers = service.metadata.finalizers ?? [];
    holders.add(service.metadata.uid ?? '');
    if (finalizers.includes(finalizer)) return service;
    event(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer');
    return writeFinalizers(service, [...finalizers, finalizer]);
  }

  async function withdraw(service: Service): Promise<void> {
    const finalizers = service.metadata.finalizers ?? [];
    // The addresses of another class's balancer are not ours to take away.
    if (!finalizers.includes(finalizer)) return;
    if (service.metadata.deletionTimestamp === undefined) {
      event(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer');
      await setIngress(service, []);
      event(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer');
    }
    await writeFinalizers(
      services.lister.get(keyOf(service)) ?? service,
      finalizers.filter((one) => one !== finalizer),
    );
  }

  async function writeFinalizers(service: Service, finalizers: string[]): Promise<Service> {
    const { namespace, name = '', uid } = service.metadata;
    return client.patch(resources.services, { namespace, name }, 'merge', { metadata: { uid, finalizers } }, { signal });
  }

  async function setIngress(service: Service, addresses: readonly string[]): Promise<void> {
    const ingress = addresses.map((ip) => ({ ip, ipMode: 'VIP' }));
    if (semanticallyEqual(service.status?.loadBalancer?.ingress, ingress)) return;
    const { namespace, name = '', uid } = service.metadata;
    const status = { loadBalancer: { ingress: ingress.length > 0 ? ingress : null } };
    await client.patch(resources.services, { namespace, name }, 'merge', { metadata: { uid }, status }, { subresource: 'status', signal });
    if (ingress.length > 0) event(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer');
  }

  function event(object: Service, type: 'Normal' | 'Warning', reason: string, message: string): void {
    recorder.event({ ref: resources.services, object }, type, reason, message);
  }

  await runController(context, { queue, caches: [services, nodes, endpoints], workers: 1, reconcile });
}
