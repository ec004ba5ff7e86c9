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
  const { client, informers, recorder, signal } = context;
  const blocks = cutIpv4(options.clusterCidr, options.nodeCidrMaskSize);
  const nodes = informers.informer(resources.nodes);
  const queue = queueFor(context, 'node_ipam');
  /** Which node has which block, also blocks whose write the cache does not show yet. */
  const owners = new Map<number, string>();

  onChange(context, nodes, (node, _previous, deleted) => {
    const name = node.metadata.name ?? '';
    const index = blockOf(node);
    if (deleted) {
      for (const [block, owner] of owners) if (owner === name) owners.delete(block);
    } else if (index !== undefined) owners.set(index, name);
    else queue.add(name);
  });

  function blockOf(node: Node): number | undefined {
    return node.spec?.podCIDR ? blocks.indexOf(node.spec.podCIDR) : undefined;
  }

  async function reconcile(name: string): Promise<void> {
    const node = nodes.lister.get(name);
    if (node === undefined || node.spec?.podCIDR) return;
    let index = [...owners].find(([, owner]) => owner === name)?.[0];
    for (let free = 0; index === undefined && free < blocks.count; free++) if (!owners.has(free)) index = free;
    if (index === undefined) {
      recorder.event({ ref: resources.nodes, object: node }, 'Warning', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`);
      throw new Error('Every pod range is in use');
    }
    owners.set(index, name);
    const cidr = blocks.cidrOf(index);
    try {
      await client.patch(resources.nodes, { name }, 'strategic', { spec: { podCIDR: cidr, podCIDRs: [cidr] } }, { signal });
    } catch (error) {
      // A later try finds the block in `owners`; a node that is gone gives it back.
      if (!isNotFound(error)) throw error;
      owners.delete(index);
    }
  }

  // One worker: blocks are handed out one after the other.
  await runController(context, { queue, caches: [nodes], workers: 1, reconcile });
}
