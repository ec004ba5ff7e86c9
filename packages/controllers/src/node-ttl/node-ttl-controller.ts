import { isNotFound, resources } from '@bayplan/api';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';

const annotation = 'node.alpha.kubernetes.io/ttl';

/** From which number of nodes which time applies; going down is done later than going up, so that it does not flutter. */
const steps: readonly { readonly from: number; readonly downAt: number; readonly seconds: number }[] = [
  { from: 0, downAt: 0, seconds: 0 },
  { from: 101, downAt: 90, seconds: 15 },
  { from: 501, downAt: 450, seconds: 30 },
  { from: 1001, downAt: 900, seconds: 60 },
  { from: 2001, downAt: 1800, seconds: 300 },
];

/** The next step for a cluster of this many nodes, from the present one. */
export function nextStep(present: number, nodeCount: number): number {
  let step = present;
  while (step + 1 < steps.length && nodeCount >= (steps[step + 1]?.from ?? Infinity)) step++;
  while (step > 0 && nodeCount < (steps[step]?.downAt ?? 0)) step--;
  return step;
}

/** Tells nodes for how long they may keep Secrets and ConfigMaps, by the size of the cluster. */
export async function runNodeTtlController(context: ControllerContext): Promise<void> {
  const { client, informers, signal } = context;
  const nodes = informers.informer(resources.nodes);
  const queue = queueFor(context, 'ttlcontroller');
  let step = 0;

  onChange(context, nodes, (node, previous, deleted) => {
    const next = nextStep(step, nodes.lister.size);
    if (next !== step) {
      step = next;
      for (const other of nodes.lister.list()) queue.add(other.metadata.name ?? '');
    }
    if (!deleted && node.metadata.annotations?.[annotation] !== previous?.metadata.annotations?.[annotation])
      queue.add(node.metadata.name ?? '');
    else if (previous === undefined && !deleted) queue.add(node.metadata.name ?? '');
  });

  async function reconcile(name: string): Promise<void> {
    const wanted = String(steps[step]?.seconds ?? 0);
    const node = nodes.lister.get(name);
    if (node === undefined || node.metadata.annotations?.[annotation] === wanted) return;
    try {
      await client.patch(resources.nodes, { name }, 'strategic', { metadata: { annotations: { [annotation]: wanted } } }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  await runController(context, { queue, caches: [nodes], workers: 1, reconcile });
}
