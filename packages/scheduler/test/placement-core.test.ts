import type { Node, NodeSelectorRequirement, Pod } from '@bayplan/api';
import { describe, expect, it } from 'vitest';
import { defaultProfile, PlacementCore } from '../src/index.ts';
import { bound, node, pod } from './support/objects.ts';

function coreWith(nodes: readonly Node[], placed: readonly Pod[] = []): PlacementCore {
  const core = new PlacementCore({ profile: defaultProfile, seed: 1 });
  for (const one of nodes) core.cache.setNode(one);
  for (const one of placed) core.cache.setPod(one);
  return core;
}

function outcome(core: PlacementCore, of: Pod): string {
  const decision = core.decide(of);
  return decision.kind === 'placed' ? decision.nodeName : decision.message;
}

const required = (...expressions: NodeSelectorRequirement[]) => ({
  affinity: {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: expressions }] } },
  },
});

describe('PlacementCore', () => {
  it.each<{ what: string; nodes: Node[]; placed?: Pod[]; of: Pod; expected: string }>([
    { what: 'says that there are no nodes', nodes: [], of: pod('a'), expected: 'no nodes available to schedule pods' },
    { what: 'places a pod without requests', nodes: [node('n1')], of: pod('a'), expected: 'n1' },
    {
      what: 'counts every resource that is missing, in the order of the text',
      nodes: [node('n1', { cpu: '1', memory: '1Gi' }), node('n2', { cpu: '1' })],
      of: pod('a', { cpu: '2', memory: '2Gi' }),
      expected: '0/2 nodes are available: 1 Insufficient memory, 2 Insufficient cpu.',
    },
    {
      what: 'fills a node to the last milli-core',
      nodes: [node('n1', { cpu: '1' })],
      placed: [bound(pod('b', { cpu: '750m' }), 'n1')],
      of: pod('a', { cpu: '250m' }),
      expected: 'n1',
    },
    {
      what: 'says when a node holds as many pods as it may',
      nodes: [node('n1', { pods: '1' })],
      placed: [bound(pod('b'), 'n1')],
      of: pod('a'),
      expected: '0/1 nodes are available: 1 Too many pods.',
    },
    {
      what: 'names a missing extended resource',
      nodes: [node('n1')],
      of: pod('a', { 'example.com/gpu': '1' }),
      expected: '0/1 nodes are available: 1 Insufficient example.com/gpu.',
    },
    {
      what: 'prefers the fuller node',
      nodes: [node('n1'), node('n2'), node('n3')],
      placed: [bound(pod('b', { cpu: '1', memory: '2Gi' }), 'n2')],
      of: pod('a', { cpu: '1', memory: '2Gi' }),
      expected: 'n2',
    },
    { what: 'avoids cordoned nodes', nodes: [node('n1', { unschedulable: true }), node('n2')], of: pod('a'), expected: 'n2' },
    {
      what: 'names cordons and taints, one reason a node',
      nodes: [
        node('n1', { unschedulable: true }),
        node('n2', {
          taints: [
            { key: 'dedicated', value: 'db', effect: 'NoSchedule' },
            { key: 'other', effect: 'NoExecute' },
          ],
        }),
      ],
      of: pod('a'),
      expected: '0/2 nodes are available: 1 node(s) had untolerated taint {dedicated: db}, 1 node(s) were unschedulable.',
    },
    {
      what: 'places a pod that tolerates the taint',
      nodes: [node('n1', { taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] })],
      of: pod('a', {}, { tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'db', effect: 'NoSchedule' }] }),
      expected: 'n1',
    },
    {
      what: 'prefers nodes without PreferNoSchedule taints',
      nodes: [node('n1', { taints: [{ key: 'slow', effect: 'PreferNoSchedule' }] }), node('n2')],
      placed: [bound(pod('b', { cpu: '1', memory: '1Gi' }), 'n1')],
      of: pod('a'),
      expected: 'n2',
    },
    {
      what: 'honours the node selector',
      nodes: [node('n1'), node('n2', { labels: { disk: 'ssd' } })],
      of: pod('a', {}, { nodeSelector: { disk: 'ssd' } }),
      expected: 'n2',
    },
    {
      what: 'says when no node is selected',
      nodes: [node('n1')],
      of: pod('a', {}, { nodeSelector: { disk: 'ssd' } }),
      expected: "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    },
    {
      what: 'compares numbers in Gt and Lt',
      nodes: [node('n1', { labels: { cores: '9' } }), node('n2', { labels: { cores: '16' } })],
      of: pod('a', {}, required({ key: 'cores', operator: 'Gt', values: ['10'] })),
      expected: 'n2',
    },
    {
      what: 'reads NotIn as true for nodes without the label',
      nodes: [node('n1', { labels: { zone: 'a' } }), node('n2')],
      of: pod('a', {}, required({ key: 'zone', operator: 'NotIn', values: ['a'] })),
      expected: 'n2',
    },
    {
      what: 'finds the node of a DaemonSet pod by its name',
      nodes: [node('n1'), node('n2'), node('n3')],
      of: pod(
        'a',
        {},
        {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n3'] }] }],
              },
            },
          },
        },
      ),
      expected: 'n3',
    },
    {
      what: 'follows preferred affinity',
      nodes: [node('n1', { labels: { zone: 'a' } }), node('n2', { labels: { zone: 'b' } })],
      of: pod(
        'a',
        {},
        {
          affinity: {
            nodeAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                { weight: 5, preference: { matchExpressions: [{ key: 'zone', operator: 'In', values: ['b'] }] } },
              ],
            },
          },
        },
      ),
      expected: 'n2',
    },
    {
      what: 'keeps host ports apart',
      nodes: [node('n1')],
      placed: [
        bound(pod('b', {}, { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 80, hostIP: '10.0.0.1' }] }] }), 'n1'),
      ],
      of: pod('a', {}, { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 80 }] }] }),
      expected: "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
    },
    {
      what: 'lets two addresses share a host port',
      nodes: [node('n1')],
      placed: [
        bound(pod('b', {}, { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 80, hostIP: '10.0.0.1' }] }] }), 'n1'),
      ],
      of: pod('a', {}, { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 80, hostIP: '10.0.0.2' }] }] }),
      expected: 'n1',
    },
    {
      what: 'counts the largest init container and sidecars',
      // Sidecar 1 + app 1 = 2 while running; sidecar 1 + step 3 = 4 while starting, more than 3.5.
      nodes: [node('n1', { cpu: '3500m' })],
      of: pod(
        'a',
        {},
        {
          containers: [{ name: 'app', resources: { requests: { cpu: '1' } } }],
          initContainers: [
            { name: 'side', restartPolicy: 'Always', resources: { requests: { cpu: '1' } } },
            { name: 'step', resources: { requests: { cpu: '3' } } },
          ],
        },
      ),
      expected: '0/1 nodes are available: 1 Insufficient cpu.',
    },
  ])('$what', ({ nodes, placed, of, expected }) => {
    expect(outcome(coreWith(nodes, placed), of)).toBe(expected);
  });

  it('charges pods of a node that appears later', () => {
    const core = coreWith([], [bound(pod('b', { cpu: '3' }), 'n1')]);
    core.cache.setNode(node('n1'));
    expect(outcome(core, pod('a', { cpu: '2' }))).toBe('0/1 nodes are available: 1 Insufficient cpu.');
  });

  it('gives back what a forgotten, removed or finished pod held', () => {
    const core = coreWith([node('n1', { cpu: '1' })]);
    const first = pod('a', { cpu: '1' });
    core.cache.assume(first, 'n1');
    expect(outcome(core, pod('b', { cpu: '1' }))).toBe('0/1 nodes are available: 1 Insufficient cpu.');
    expect(core.cache.forget('uid-a')).toBe(true);
    expect(outcome(core, pod('b', { cpu: '1' }))).toBe('n1');
    core.cache.assume(first, 'n1');
    core.cache.setPod(bound(first, 'n1'));
    expect(core.cache.forget('uid-a')).toBe(false);
    expect(core.cache.removePod('uid-a')).toBe(true);
    expect(outcome(core, pod('b', { cpu: '1' }))).toBe('n1');
  });

  it('follows changes of a node', () => {
    const core = coreWith([node('n1', { labels: { disk: 'ssd' } })]);
    const wants = pod('a', {}, { nodeSelector: { disk: 'ssd' } });
    expect(outcome(core, wants)).toBe('n1');
    expect(core.cache.setNode(node('n1', { labels: { disk: 'ssd' } }))).toBe(false);
    expect(core.cache.setNode(node('n1', { labels: { disk: 'hdd' } }))).toBe(true);
    expect(outcome(core, wants)).toBe("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.");
    core.cache.removeNode('n1');
    expect(outcome(core, wants)).toBe('no nodes available to schedule pods');
  });
});
