import type { Node, Pod, PodAffinityTerm, PodSpec, TopologySpreadConstraint } from '@bayplan/api';
import { describe, expect, it } from 'vitest';
import { defaultProfile, PlacementCore } from '../../src/index.ts';
import { bound, node, pod } from '../support/objects.ts';

const zoned = (name: string, zone: string): Node => node(name, { labels: { zone } });
const nodes = [zoned('a1', 'a'), zoned('a2', 'a'), zoned('b1', 'b'), node('bare')];

function outcome(
  placed: readonly Pod[],
  of: Pod,
  among: readonly Node[] = nodes,
  namespaces: Record<string, Record<string, string>> = {},
): string {
  const core = new PlacementCore({ profile: defaultProfile, seed: 1 });
  for (const one of among) core.cache.setNode(one);
  for (const [name, labels] of Object.entries(namespaces)) core.cache.columns.setNamespace(name, labels);
  for (const one of placed) core.cache.setPod(one);
  const decision = core.decide(of);
  return decision.kind === 'placed' ? decision.nodeName : decision.message;
}

const app = (name: string, label: string, nodeName: string, spec: Partial<PodSpec> = {}): Pod =>
  bound(pod(name, {}, spec, { app: label }), nodeName);
const term = (label: string, change: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey: 'zone',
  labelSelector: { matchLabels: { app: label } },
  ...change,
});
const near = (...terms: PodAffinityTerm[]): Partial<PodSpec> => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const apart = (...terms: PodAffinityTerm[]): Partial<PodSpec> => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const perHost = { topologyKey: 'kubernetes.io/hostname' };

describe('InterPodAffinity', () => {
  it('puts a pod into the zone of those it wants near', () => {
    expect(outcome([app('db', 'db', 'b1')], pod('web', {}, near(term('db'))))).toBe('b1');
  });

  it('says when there is nobody to be near', () => {
    expect(outcome([], pod('web', {}, near(term('db'))))).toBe("0/4 nodes are available: 4 node(s) didn't match pod affinity rules.");
  });

  it('lets the first of a group that wants itself near go anywhere with the label', () => {
    expect(outcome([], pod('db-0', {}, near(term('db')), { app: 'db' }), [zoned('a1', 'a'), node('bare')])).toBe('a1');
  });

  it('keeps a pod out of the zones of those it wants apart', () => {
    expect(outcome([app('x', 'web', 'a1')], pod('y', {}, apart(term('web')), { app: 'web' }), nodes.slice(0, 3))).toBe('b1');
    expect(outcome([app('x', 'web', 'a1'), app('z', 'web', 'b1')], pod('y', {}, apart(term('web'))), nodes.slice(0, 3))).toBe(
      "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.",
    );
  });

  it('honours what running pods do not want near, also when they came after the plan was made', () => {
    const core = new PlacementCore({ profile: defaultProfile, seed: 1 });
    core.cache.setNode(zoned('a1', 'a'));
    const plain = pod('plain', {}, {}, { app: 'noisy' });
    expect(core.decide(plain).kind).toBe('placed');
    core.cache.assume(app('shy', 'shy', 'a1', apart(term('noisy'))), 'a1');
    expect(core.decide(plain)).toMatchObject({
      message: "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
    });
    core.cache.forget('uid-shy');
    expect(core.decide(plain).kind).toBe('placed');
  });

  it('spreads pods that want to be apart over nodes, one each', () => {
    const core = new PlacementCore({ profile: defaultProfile, seed: 1 });
    for (const one of nodes) core.cache.setNode(one);
    const seen = new Set<string>();
    for (let index = 0; index < 4; index += 1) {
      const one = pod(`p${index}`, {}, apart(term('web', perHost)), { app: 'web' });
      const decision = core.decide(one);
      if (decision.kind !== 'placed') throw new Error(decision.message);
      core.cache.assume(one, decision.nodeName);
      seen.add(decision.nodeName);
    }
    expect(seen.size).toBe(4);
  });

  it('means its own namespace unless told otherwise', () => {
    const elsewhere = { ...app('db', 'db', 'b1'), metadata: { ...app('db', 'db', 'b1').metadata, namespace: 'other' } };
    const wants = (change: Partial<PodAffinityTerm>) => pod('web', {}, near(term('db', change)));
    expect(outcome([elsewhere], wants({}))).toContain("didn't match pod affinity rules");
    expect(outcome([elsewhere], wants({ namespaces: ['other'] }))).toBe('b1');
    expect(outcome([elsewhere], wants({ namespaceSelector: {} }))).toBe('b1');
    const team = { namespaceSelector: { matchLabels: { team: 'x' } } };
    expect(outcome([elsewhere], wants(team), nodes, { other: { team: 'x' } })).toBe('b1');
    expect(outcome([elsewhere], wants(team), nodes, { other: { team: 'y' } })).toContain("didn't match pod affinity rules");
  });

  it('prefers company and avoids it by weight', () => {
    const prefers = (kind: 'podAffinity' | 'podAntiAffinity'): Partial<PodSpec> => ({
      affinity: { [kind]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm: term('db', perHost) }] } },
    });
    const two = [zoned('a1', 'a'), zoned('b1', 'b')];
    expect(outcome([app('db', 'db', 'b1')], pod('web', {}, prefers('podAffinity')), two)).toBe('b1');
    expect(outcome([app('db', 'db', 'b1')], pod('web', {}, prefers('podAntiAffinity')), two)).toBe('a1');
    // The wish of a pod that runs counts as well.
    expect(outcome([app('db', 'x', 'b1', prefers('podAntiAffinity'))], pod('web', {}, {}, { app: 'db' }), two)).toBe('a1');
  });
});

describe('PodTopologySpread', () => {
  const spread = (change: Partial<TopologySpreadConstraint> = {}): Partial<PodSpec> => ({
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'web' } }, ...change },
    ],
  });
  const web = (name: string, spec: Partial<PodSpec>): Pod => pod(name, {}, spec, { app: 'web' });

  it('sends a pod to the value that has fewest', () => {
    expect(outcome([app('x', 'web', 'a1')], web('y', spread()))).toBe('b1');
  });

  it('names nodes that are uneven and nodes without the label', () => {
    // Zone a has 1, zone b is full: only b would do.
    const full = bound(pod('full', { cpu: '4' }), 'b1');
    expect(outcome([app('x', 'web', 'a1'), full], pod('y', { cpu: '1' }, spread(), { app: 'web' }))).toBe(
      "0/4 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match pod topology spread constraints (missing required label), 2 node(s) didn't match pod topology spread constraints.",
    );
  });

  it('does not count pods that end, pods of other namespaces and nodes that the pod cannot use', () => {
    const ending = { ...app('x', 'web', 'a1'), metadata: { ...app('x', 'web', 'a1').metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    const onlyA = { ...spread(), nodeSelector: { zone: 'a' } };
    expect(outcome([ending], web('y', onlyA))).toMatch(/^a/);
    // Zone b is not counted for a pod that may not go there, so zone a alone cannot be uneven.
    expect(outcome([app('x', 'web', 'a1'), app('z', 'web', 'a2')], web('y', onlyA))).toMatch(/^a/);
    expect(
      outcome(
        [app('x', 'web', 'a1'), app('z', 'web', 'a2')],
        web('y', { ...spread({ nodeAffinityPolicy: 'Ignore' }), nodeSelector: { zone: 'a' } }),
      ),
    ).toContain('topology spread');
  });

  it('takes the least as 0 while there are fewer values than minDomains', () => {
    const among = [zoned('a1', 'a'), zoned('b1', 'b')];
    const even = [app('x', 'web', 'a1'), app('z', 'web', 'b1')];
    expect(outcome(even, web('y', spread()), among)).toMatch(/^[ab]1$/);
    expect(outcome(even, web('y', spread({ minDomains: 3 })), among)).toContain('topology spread');
  });

  it('counts only pods of the same revision with matchLabelKeys', () => {
    const of = (name: string, revision: string, spec: Partial<PodSpec> = {}) => pod(name, {}, spec, { app: 'web', revision });
    const old = bound(of('old', '1'), 'a1');
    const among = [zoned('a1', 'a'), node('b1', { labels: { zone: 'b' }, unschedulable: true })];
    expect(outcome([old], of('new', '2', spread({ matchLabelKeys: ['revision'] })), among)).toBe('a1');
    expect(outcome([old], of('new', '2', spread()), among)).toContain('topology spread');
  });

  it('prefers evenness when it is only a wish', () => {
    const wish = spread({ whenUnsatisfiable: 'ScheduleAnyway' });
    expect(outcome([app('x', 'web', 'a1')], web('y', wish), nodes.slice(0, 3))).toBe('b1');
    expect(outcome([app('x', 'web', 'a1')], web('y', wish), [zoned('a1', 'a')])).toBe('a1');
  });
});
