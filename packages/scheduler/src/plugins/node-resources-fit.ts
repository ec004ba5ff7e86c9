import { Bitset } from '../framework/bitset.ts';
import { clusterEvents } from '../framework/plugin.ts';
import type { FilterPlugin, ScorePlugin } from '../framework/plugin.ts';
import { cpu, memory, pods } from '../framework/resources.ts';
import { densityScore } from './density.ts';

/** Keeps the sum of requests within what each node can give, and prefers the node that is packed best. */
export const nodeResourcesFit: FilterPlugin & ScorePlugin = {
  name: 'NodeResourcesFit',
  scope: 'node',
  events: clusterEvents.nodeAdd | clusterEvents.nodeAllocatable | clusterEvents.assignedPodDelete | clusterEvents.assignedPodUpdate,
  normalize: 'none',
  filter(shape, snapshot, mask) {
    for (const { resource, amount } of shape.requests) {
      const allocatable = snapshot.allocatable(resource);
      const used = snapshot.used(resource);
      const full = new Bitset(snapshot.rows);
      const tooSmall = new Bitset(snapshot.rows);
      let some = false;
      mask.candidates.forEach((row) => {
        const room = allocatable[row] ?? 0;
        if ((used[row] ?? 0) + amount <= room) return;
        some = true;
        // Even an empty node would not do: removing other pods cannot help.
        (amount > room ? tooSmall : full).add(row);
      });
      if (!some) continue;
      const reason = resource === pods ? 'Too many pods' : `Insufficient ${snapshot.resources.nameOf(resource)}`;
      mask.reject(full, reason, { unresolvable: false });
      mask.reject(tooSmall, reason, { unresolvable: true });
    }
  },
  score(shape, snapshot, nodes, scores) {
    const cpuTotal = snapshot.allocatable(cpu);
    const memoryTotal = snapshot.allocatable(memory);
    nodes.forEach((row) => {
      scores[row] = densityScore(
        snapshot.estimatedCpuMilli[row] ?? 0,
        shape.estimatedCpuMilli,
        cpuTotal[row] ?? 0,
        snapshot.estimatedMemoryBytes[row] ?? 0,
        shape.estimatedMemoryBytes,
        memoryTotal[row] ?? 0,
      );
    });
  },
};
