import { isNotFound, resources } from '@bayplan/api';
import type { Node } from '@bayplan/api';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { cutIpv4 } from './ipv4-ranges.ts';

export interface NodeIpamOptions {
  readonly clusterCidr: string;
  readonly nodeCidrMaskSize: number;
}

/** Gives every node a pod range (`spec.podCIDR`) of its own, the lowest that is free. */
export async function runNodeIpamController(context: ControllerContext, options: NodeIpamOptions): Promise<void> {
  const { client, informers, recorder, logger, signal } = context;
  const blocks = cutIpv4(options.clusterCidr, options.nodeCidrMaskSize);
  const nodes = informers.informer(resources.nodes);
  const queue = queueFor(context, 'node_ipam');
  /** Which node has which block, also blocks whose write the cache does not show yet. */
  const owners = new Map<number, string>();
  /** Blocks that were chosen and are being written. */
  const assigned = new Map<string, number>();

  /** Nodes that found no free block. They wait for one, instead of asking again and again. */
  const waiting = new Set<string>();
  /** No block below this one is free. */
  let lowest = 0;

  onChange(context, nodes, (node, _previous, deleted) => {
    const name = node.metadata.name ?? '';
    if (deleted) {
      waiting.delete(name);
      release(name);
    } else if (node.spec?.podCIDR) occupy(node, node.spec.podCIDR);
    else queue.add(name);
  });

  function release(name: string): void {
    for (const [block, owner] of owners) {
      if (owner !== name) continue;
      owners.delete(block);
      lowest = Math.min(lowest, block);
    }
    for (const other of waiting) queue.add(other);
  }

  /** A range that somebody else gave may have another size, or lie outside. */
  function occupy(node: Node, cidr: string): void {
    try {
      const range = blocks.overlap(cidr);
      if (range === undefined) return;
      for (let block = range.first; block <= range.last; block++) owners.set(block, node.metadata.name ?? '');
    } catch (error) {
      // Such as an IPv6 range: it takes none of our blocks.
      logger.debug('A node has a pod range that is none of ours', { node: node.metadata.name, cidr, err: error });
    }
  }

  function firstFree(): number | undefined {
    while (lowest < blocks.count && owners.has(lowest)) lowest++;
    return lowest < blocks.count ? lowest : undefined;
  }

  async function reconcile(name: string): Promise<void> {
    const node = nodes.lister.get(name);
    if (node === undefined || node.spec?.podCIDR) return;
    const index = assigned.get(name) ?? firstFree();
    if (index === undefined) {
      recorder.event({ ref: resources.nodes, object: node }, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`);
      logger.warn('Every pod range is in use', { node: name });
      waiting.add(name);
      return;
    }
    waiting.delete(name);
    owners.set(index, name);
    assigned.set(name, index);
    const cidr = blocks.cidrOf(index);
    try {
      await client.patch(resources.nodes, { name }, 'strategic', { spec: { podCIDR: cidr, podCIDRs: [cidr] } }, { signal });
    } catch (error) {
      // A later try finds the block in `assigned`; a node that is gone gives it back.
      if (!isNotFound(error)) throw error;
      release(name);
    }
    assigned.delete(name);
  }

  // One worker: blocks are handed out one after the other.
  await runController(context, { queue, caches: [nodes], workers: 1, reconcile });
}
