/** Share of the score that rewards full nodes; the rest rewards leaving CPU and memory free in proportion. */
const fullness = 0.6;

/**
 * How well a pod packs a node, 0 to 100. Two parts, both from shares of the node's CPU and memory:
 *
 * - best fit: the mean share in use after placement, so that pods gather on the nodes that are fullest;
 * - fragmentation gradient: how placement changes the gap between the free shares. What is free of the
 *   plentiful resource beyond the scarce one is stranded: no pod of the node's own proportions can use
 *   it. The change is divided by the pod's larger share, so that it says in which direction the pod
 *   pulls, -1 to 1, however small the pod is.
 *
 * Same idea as the gradient of "Beware of Fragmentation" (Weng et al., USENIX ATC 2023), reduced from
 * a distribution of expected pods to the node's own proportions. A node that the estimates of its pods
 * overfill scores 0.
 */
export function densityScore(
  cpuUsed: number,
  cpuPod: number,
  cpuTotal: number,
  memoryUsed: number,
  memoryPod: number,
  memoryTotal: number,
): number {
  if (cpuTotal <= 0 || memoryTotal <= 0) return 0;
  const cpuShare = cpuPod / cpuTotal;
  const memoryShare = memoryPod / memoryTotal;
  const cpuBefore = cpuUsed / cpuTotal;
  const memoryBefore = memoryUsed / memoryTotal;
  const cpuAfter = cpuBefore + cpuShare;
  const memoryAfter = memoryBefore + memoryShare;
  if (cpuAfter > 1 || memoryAfter > 1) return 0;
  const larger = Math.max(cpuShare, memoryShare);
  const gradient = larger <= 0 ? 0 : (Math.abs(cpuAfter - memoryAfter) - Math.abs(cpuBefore - memoryBefore)) / larger;
  return Math.round(100 * (fullness * ((cpuAfter + memoryAfter) / 2) + (1 - fullness) * ((1 - gradient) / 2)));
}
