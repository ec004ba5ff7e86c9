import { describe, expect, it } from 'vitest';
import { clusterEvents } from '../../src/index.ts';
import { prioritySort } from '../../src/plugins/priority-sort.ts';
import { schedulingGates } from '../../src/plugins/scheduling-gates.ts';
import { SchedulingQueue } from '../../src/queue/scheduling-queue.ts';
import { pod } from '../support/objects.ts';

function queueAt(clock: { now: number }): SchedulingQueue {
  return new SchedulingQueue({ queueSort: prioritySort, preEnqueue: [schedulingGates], now: () => clock.now });
}

const takeName = (queue: SchedulingQueue) => queue.take()?.pod.metadata.name;

describe('SchedulingQueue', () => {
  it('takes higher priority first, then who came first', () => {
    const clock = { now: 0 };
    const queue = queueAt(clock);
    queue.add(pod('old'), true);
    clock.now = 1;
    queue.add(pod('new'), true);
    queue.add(pod('urgent', {}, { priority: 10 }), true);
    expect([takeName(queue), takeName(queue), takeName(queue), takeName(queue)]).toEqual(['urgent', 'old', 'new', undefined]);
  });

  it('wakes an unschedulable pod only for an event that can help, and not before its backoff', () => {
    const clock = { now: 0 };
    const queue = queueAt(clock);
    queue.add(pod('a'), true);
    const entry = queue.take();
    if (entry === undefined) throw new Error('nothing to take');
    queue.giveBack(entry, clusterEvents.nodeAdd, ['NodeResourcesFit']);
    expect([...queue.unschedulableByPlugin]).toEqual([['NodeResourcesFit', 1]]);
    queue.notify(clusterEvents.nodeLabel, 'NodeLabelChange');
    expect(queue.sizes).toMatchObject({ unschedulable: 1, backoff: 0 });
    queue.notify(clusterEvents.nodeAdd, 'NodeAdd');
    expect(queue.sizes).toMatchObject({ unschedulable: 0, backoff: 1 });
    expect(queue.nextWakeMs).toBe(1000);
    expect(takeName(queue)).toBeUndefined();
    clock.now = 1000;
    expect(takeName(queue)).toBe('a');
  });

  it('doubles the backoff up to ten seconds', () => {
    const clock = { now: 0 };
    const queue = queueAt(clock);
    queue.add(pod('a'), true);
    const waits: number[] = [];
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const entry = queue.take();
      if (entry === undefined) throw new Error('nothing to take');
      queue.giveBack(entry, 0);
      waits.push(entry.backoffUntilMs - clock.now);
      clock.now = entry.backoffUntilMs;
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it('does not miss an event that came during the attempt', () => {
    const clock = { now: 0 };
    const queue = queueAt(clock);
    queue.add(pod('a'), true);
    const entry = queue.take();
    if (entry === undefined) throw new Error('nothing to take');
    queue.notify(clusterEvents.assignedPodDelete, 'AssignedPodDelete');
    queue.giveBack(entry, clusterEvents.assignedPodDelete);
    expect(queue.sizes).toMatchObject({ unschedulable: 0, backoff: 1 });
  });

  it('holds gated pods until their gates are gone', () => {
    const queue = queueAt({ now: 0 });
    queue.add(pod('a', {}, { schedulingGates: [{ name: 'wait' }] }), true);
    expect(queue.sizes).toMatchObject({ gated: 1, active: 0 });
    expect(takeName(queue)).toBeUndefined();
    queue.add(pod('a'), true);
    expect(takeName(queue)).toBe('a');
  });

  it('tries an unschedulable pod again when the pod itself changed, or after five minutes', () => {
    const clock = { now: 0 };
    const queue = queueAt(clock);
    queue.add(pod('a'), true);
    const reject = () => {
      const entry = queue.take();
      if (entry === undefined) throw new Error('nothing to take');
      queue.giveBack(entry, clusterEvents.nodeAdd);
    };
    reject();
    clock.now = 2000;
    queue.add(pod('a'), false);
    expect(queue.sizes).toMatchObject({ unschedulable: 1 });
    queue.add(pod('a', { cpu: '1' }), true);
    expect(queue.sizes).toMatchObject({ active: 1 });
    reject();
    clock.now += 299_999;
    queue.flushStale();
    expect(queue.sizes).toMatchObject({ unschedulable: 1 });
    clock.now += 1;
    queue.flushStale();
    expect(queue.sizes).toMatchObject({ active: 1 });
  });

  it('forgets a pod that was removed while it was being tried', () => {
    const queue = queueAt({ now: 0 });
    queue.add(pod('a'), true);
    const entry = queue.take();
    queue.remove('uid-a');
    if (entry !== undefined) queue.giveBack(entry, 0);
    expect(queue.sizes).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 0 });
  });
});
