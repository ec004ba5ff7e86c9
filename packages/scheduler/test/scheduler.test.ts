import { createMetricsRegistry, FakeClock, silentLogger, seededRandom } from '@bayplan/component-base';
import type { PodSpec } from '@bayplan/api';
import { afterEach, describe, expect, it } from 'vitest';
import { startScheduler } from '../src/index.ts';
import type { Scheduler } from '../src/index.ts';
import { createFakeCluster } from './support/fake-cluster.ts';
import { node, pod } from './support/objects.ts';

const running: Scheduler[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((scheduler) => scheduler.stop()));
});

function setUp() {
  const cluster = createFakeCluster();
  const clock = new FakeClock();
  const metrics = createMetricsRegistry({ processMetrics: false });
  const scheduler = startScheduler({
    client: cluster.client,
    informers: cluster.informers,
    clock,
    random: seededRandom(1),
    seed: 1,
    logger: silentLogger,
    metrics,
    signal: new AbortController().signal,
  });
  running.push(scheduler);
  return { ...cluster, clock, metrics, scheduler };
}

describe('startScheduler', () => {
  it('binds a pod and says so', async () => {
    const { pods, nodes, bindings, events, clock } = setUp();
    nodes.put(node('n1'));
    pods.put(pod('a'));
    await clock.advance(10);
    expect(bindings).toEqual(['a n1']);
    expect(events).toEqual([
      expect.objectContaining({ type: 'Normal', reason: 'Scheduled', message: 'Successfully assigned default/a to n1' }),
    ]);
  });

  it('says why a pod waits, and binds it when a node comes', async () => {
    const { pods, nodes, bindings, events, clock, find } = setUp();
    nodes.put(node('n1', { cpu: '1' }));
    pods.put(pod('a', { cpu: '2' }));
    await clock.advance(10);
    const message =
      '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';
    expect(events).toEqual([expect.objectContaining({ type: 'Warning', reason: 'FailedScheduling', message })]);
    expect(find({ namespace: 'default', name: 'a' }).status?.conditions).toEqual([
      expect.objectContaining({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }),
    ]);
    nodes.put(node('n2', { cpu: '2' }));
    // Not before the first backoff of one second is over.
    await clock.advance(900);
    expect(bindings).toEqual([]);
    await clock.advance(200);
    expect(bindings).toEqual(['a n2']);
  });

  it('never hands out the same room twice while bindings are under way', async () => {
    const { pods, nodes, bindings, clock } = setUp();
    nodes.put(node('n1', { cpu: '2' }));
    for (const name of ['a', 'b', 'c']) pods.put(pod(name, { cpu: '1' }));
    await clock.advance(10);
    expect(bindings.length).toBe(2);
  });

  it('gives room back and tries again when a binding fails', async () => {
    const { pods, nodes, bindings, bindFailures, events, clock, metrics } = setUp();
    bindFailures.push(new Error('the API server is busy'));
    nodes.put(node('n1', { cpu: '1' }));
    pods.put(pod('a', { cpu: '1' }));
    await clock.advance(10);
    expect(bindings).toEqual([]);
    expect(events).toEqual([expect.objectContaining({ reason: 'FailedScheduling', message: 'binding rejected: the API server is busy' })]);
    await clock.advance(1100);
    expect(bindings).toEqual(['a n1']);
    expect(await metrics.getSingleMetricAsString('scheduler_schedule_attempts_total')).toContain(
      'scheduler_schedule_attempts_total{result="error",profile="default-scheduler"} 1',
    );
  });

  it('uses the room of a pod that finished', async () => {
    const { pods, nodes, bindings, clock, find } = setUp();
    nodes.put(node('n1', { cpu: '1' }));
    pods.put(pod('a', { cpu: '1' }));
    await clock.advance(10);
    pods.put(pod('b', { cpu: '1' }));
    await clock.advance(2000);
    expect(bindings).toEqual(['a n1']);
    pods.put({ ...find({ namespace: 'default', name: 'a' }), status: { phase: 'Succeeded' } });
    await clock.advance(2000);
    expect(bindings).toEqual(['a n1', 'b n1']);
  });

  it.each<{ what: string; spec: Partial<PodSpec> }>([
    { what: 'of another scheduler', spec: { schedulerName: 'mine' } },
    { what: 'with a gate', spec: { schedulingGates: [{ name: 'wait' }] } },
  ])('leaves a pod $what alone', async ({ spec }) => {
    const { pods, nodes, bindings, events, clock } = setUp();
    nodes.put(node('n1'));
    pods.put(pod('a', {}, spec));
    await clock.advance(100);
    expect([bindings, events]).toEqual([[], []]);
  });

  it('counts what waits', async () => {
    const { pods, nodes, clock, metrics } = setUp();
    nodes.put(node('n1', { cpu: '1' }));
    pods.put(pod('a', { cpu: '2' }));
    pods.put(pod('b', {}, { schedulingGates: [{ name: 'wait' }] }));
    await clock.advance(10);
    const text = await metrics.metrics();
    expect(text).toContain('scheduler_pending_pods{queue="unschedulable"} 1');
    expect(text).toContain('scheduler_pending_pods{queue="gated"} 1');
    expect(text).toContain('scheduler_unschedulable_pods{plugin="NodeResourcesFit",profile="default-scheduler"} 1');
    expect(text).toContain('scheduler_scheduler_cache_size{type="nodes"} 1');
  });
});
