import { isAlreadyExists, isConflict, isNotFound, resources } from '@bayplan/api';
import type { Lease, Node } from '@bayplan/api';
import type { Client, Informer } from '@bayplan/client';
import { microTimestamp } from '@bayplan/component-base';
import type { Clock, Logger } from '@bayplan/component-base';
import type { BoundedQueue } from './bounded-queue.ts';
import { hollowConditions, hollowNode, isReady } from './hollow-node.ts';
import type { HollowNodeShape } from './hollow-node.ts';
import type { TimerWheel } from './timer-wheel.ts';

export interface NodeHeartbeatsOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly wheel: TimerWheel;
  /** For heartbeats alone: behind the work of many pods they would come too late. */
  readonly queue: BoundedQueue;
  readonly signal: AbortSignal;
  readonly nodes: Informer<Node>;
  readonly shape: HollowNodeShape;
  readonly leaseIntervalMs: number;
}

const leaseNamespace = 'kube-node-lease';
const leaseSeconds = 40;
const retryMs = 1000;

/** Registers nodes and keeps them alive, each by its Lease, as a kubelet does. */
export class NodeHeartbeats {
  readonly #options: NodeHeartbeatsOptions;

  constructor(options: NodeHeartbeatsOptions) {
    this.#options = options;
  }

  /** Resolves when the node is registered and Ready. Goes on renewing its lease until the signal aborts. */
  async start(name: string, index: number): Promise<void> {
    const { queue, clock, logger, signal } = this.#options;
    while (!signal.aborted) {
      try {
        const node = await queue.run(() => this.#register(name, index));
        const lease = await queue.run(() => this.#renew(name, node.metadata.uid ?? '', undefined));
        // The first interval is cut short by a different amount for each node, so that renewals spread out.
        this.#schedule(name, node.metadata.uid ?? '', lease, this.#options.leaseIntervalMs * ((index * 0.618) % 1));
        return;
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('Failed to register a hollow node', { node: name, err: error });
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
  }

  async #register(name: string, index: number): Promise<Node> {
    const { client, clock, shape, signal } = this.#options;
    const wanted = hollowNode(name, index, shape, clock.now());
    let node: Node;
    try {
      node = await client.create(resources.nodes, wanted, { signal });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      node = await client.get(resources.nodes, { name }, { signal });
    }
    return isReady(node) ? node : await this.#reportReady(node, wanted.status);
  }

  async #reportReady(node: Node, rest: Node['status'] = {}): Promise<Node> {
    const { client, clock, signal } = this.#options;
    const status = { ...rest, conditions: hollowConditions(clock.now(), node.status?.conditions ?? []) };
    // Controllers write to a new node at once: what they wrote must not get in the way.
    return client.patch(resources.nodes, { name: node.metadata.name ?? '' }, 'strategic', { status }, { subresource: 'status', signal });
  }

  /** Renews, and says that the node is well where it was given up because a renewal came late. */
  async #beat(name: string, uid: string, known: Lease | undefined): Promise<Lease> {
    const lease = await this.#renew(name, uid, known);
    const node = this.#options.nodes.lister.get(name);
    if (node !== undefined && node.metadata.uid === uid && !isReady(node)) await this.#reportReady(node);
    return lease;
  }

  #schedule(name: string, uid: string, lease: Lease | undefined, delayMs: number): void {
    const { wheel, queue, logger, signal, leaseIntervalMs } = this.#options;
    wheel.after(delayMs, () => {
      queue
        .run(() => this.#beat(name, uid, lease))
        .then(
          (renewed) => this.#schedule(name, uid, renewed, leaseIntervalMs),
          (error: unknown) => {
            if (signal.aborted) return;
            if (!isConflict(error)) logger.warn('Failed to renew the lease of a hollow node', { node: name, err: error });
            this.#schedule(name, uid, undefined, retryMs);
          },
        );
    });
  }

  async #renew(name: string, uid: string, known: Lease | undefined): Promise<Lease> {
    const { client, clock, signal } = this.#options;
    const key = { namespace: leaseNamespace, name };
    const spec = { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime: microTimestamp(clock.now()) };
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }];
    try {
      const lease = known ?? (await client.get(resources.leases, key, { signal }));
      return await client.update(resources.leases, { ...lease, spec: { ...lease.spec, ...spec } }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return await client.create(
        resources.leases,
        { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { ...key, ownerReferences }, spec },
        { signal },
      );
    }
  }
}
