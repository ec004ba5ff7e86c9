// How fast pods are placed. No API server: nodes and pods are made in memory, decisions are assumed at once.
import type { Node, Pod } from '@bayplan/api';
import { seededRandom } from '@bayplan/component-base';
import { defaultProfile, PlacementCore } from '@bayplan/scheduler';
import { runBenchmark } from './support.ts';

const cpuChoices = ['50m', '100m', '250m', '500m', '1'];
const memoryChoices = ['64Mi', '128Mi', '256Mi', '1Gi'];

function node(index: number): Node {
  const allocatable = { cpu: '16', memory: '64Gi', pods: '1000', 'ephemeral-storage': '100Gi' };
  const labels = {
    'kubernetes.io/hostname': `node-${index}`,
    'topology.kubernetes.io/zone': `zone-${index % 3}`,
    'kubernetes.io/arch': 'amd64',
  };
  return { metadata: { name: `node-${index}`, uid: `node-${index}`, labels }, status: { allocatable } };
}

/** One of `shapes` templates; a label makes them differ even where requests repeat. */
function pod(index: number, shapes: number): Pod {
  const shape = index % shapes;
  const requests = { cpu: cpuChoices[shape % cpuChoices.length] ?? '', memory: memoryChoices[shape % memoryChoices.length] ?? '' };
  return {
    metadata: { name: `pod-${index}`, namespace: 'default', uid: `pod-${index}`, labels: { app: `app-${shape}` } },
    spec: {
      containers: [{ name: 'main', image: `app-${shape}:1`, resources: { requests } }],
      nodeSelector: { 'kubernetes.io/arch': 'amd64' },
    },
  };
}

interface Run {
  readonly perSecond: number;
  readonly medianMicroseconds: number;
  readonly p99Microseconds: number;
}

function place(nodes: number, pods: number, shapes: number): Run {
  const core = new PlacementCore({ profile: defaultProfile, seed: 1 });
  for (let index = 0; index < nodes; index += 1) core.cache.setNode(node(index));
  const order = seededRandom(7);
  const wanted = Array.from({ length: pods }, (_, index) => ({ at: order.next(), pod: pod(index, shapes) })).sort(
    (left, right) => left.at - right.at,
  );
  const times = new Float64Array(pods);
  const startedAt = performance.now();
  wanted.forEach(({ pod: one }, index) => {
    const from = performance.now();
    const decision = core.decide(one);
    if (decision.kind !== 'placed') throw new Error(decision.message);
    core.cache.assume(one, decision.nodeName);
    times[index] = performance.now() - from;
  });
  const seconds = (performance.now() - startedAt) / 1000;
  times.sort();
  const quantile = (share: number) => Math.round((times[Math.floor(pods * share)] ?? 0) * 1000);
  return { perSecond: Math.round(pods / seconds), medianMicroseconds: quantile(0.5), p99Microseconds: quantile(0.99) };
}

await runBenchmark('scheduler', ({ quick, log }) => {
  const [nodes, pods] = quick ? [200, 2000] : [1000, 10_000];
  place(100, 1000, 20); // warms the compiler
  log(`placing ${pods} pods of 20 shapes on ${nodes} nodes`);
  const alike = place(nodes, pods, 20);
  log(`placing ${pods} pods of 20 shapes on ${nodes / 10} nodes`);
  const fewNodes = place(nodes / 10, Math.min(pods, nodes * 2), 20);
  log('placing pods of which no two are alike');
  const distinct = place(nodes, pods / 10, pods / 10);
  return {
    metrics: {
      nodes,
      pods,
      placementsPerSecond: alike.perSecond,
      placementMedianUs: alike.medianMicroseconds,
      placementP99Us: alike.p99Microseconds,
      tenthOfNodesPlacementsPerSecond: fewNodes.perSecond,
      distinctPlacementsPerSecond: distinct.perSecond,
      distinctPlacementP99Us: distinct.p99Microseconds,
    },
    ratios: {
      costOfTenTimesTheNodes: Number((fewNodes.perSecond / alike.perSecond).toFixed(2)),
    },
  };
});
