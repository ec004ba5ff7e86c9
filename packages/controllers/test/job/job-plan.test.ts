import type { Job, Pod } from '@bayplan/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IndexSet } from '../../src/job/index-set.ts';
import { recordEnds, retryInMs } from '../../src/job/job-backoff.ts';
import { completionOf, endingOf } from '../../src/job/job-ending.ts';
import { jobPod } from '../../src/job/job-pods.ts';
import { planJob } from '../../src/job/job-plan.ts';
import { tallyJob } from '../../src/job/job-tally.ts';
import { judgeFailure } from '../../src/job/pod-failure-policy.ts';

const nowMs = Date.parse('2026-01-02T00:00:00Z');

function jobOf(spec: Partial<Job['spec']>): Job {
  return {
    metadata: { namespace: 'default', name: 'sum', uid: 'u' },
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: 1000,
      template: { spec: { containers: [{ name: 'work', image: 'work' }] } },
      ...spec,
    },
  };
}

let made = 0;
function podOf(job: Job, index: number | undefined, phase: string, exitCode?: number, failures?: number): Pod {
  const pod = jobPod(job, index, failures === undefined ? undefined : { counted: failures, ignored: 0 });
  const number = String(made++);
  const state = exitCode === undefined ? {} : { terminated: { exitCode, finishedAt: '2026-01-01T00:00:00Z' } };
  return {
    ...pod,
    metadata: { ...pod.metadata, name: `sum-${number}`, uid: number },
    status: { phase, containerStatuses: [{ name: 'work', image: '', imageID: '', ready: false, restartCount: 0, state }] },
  };
}

describe('a set of indexes', () => {
  it('reads and writes intervals, cut at the limit', () => {
    expect(IndexSet.parse('1,3-5,7,9-20', 12).toString()).toBe('1,3-5,7,9-11');
    expect(IndexSet.of([4, 1, 2, 3, 9, 8]).toString()).toBe('1-4,8,9');
    expect(IndexSet.parse('0-4', 10).common(IndexSet.parse('3-8', 10))).toBe(2);
  });

  it('is the set that was put in', () => {
    const indexes = fc.array(fc.nat(60));
    fc.assert(
      fc.property(indexes, indexes, (a, b) => {
        const set = IndexSet.parse(IndexSet.of(a).union(IndexSet.of(b)).toString(), 100);
        const naive = new Set([...a, ...b]);
        expect(set.size).toBe(naive.size);
        for (let index = 0; index <= 60; index++) expect(set.has(index)).toBe(naive.has(index));
      }),
    );
  });
});

describe('the plan of a Job', () => {
  it('never has more active pods than the parallelism, finishes every index once, and then plans nothing', () => {
    const shapes = fc.record({
      parallelism: fc.integer({ min: 1, max: 5 }),
      completions: fc.integer({ min: 1, max: 8 }),
      completionMode: fc.constantFrom('NonIndexed', 'Indexed'),
      podReplacementPolicy: fc.constantFrom('Failed', 'TerminatingOrFailed'),
    });
    fc.assert(
      fc.property(shapes, fc.infiniteStream(fc.nat(99)), (shape, random) => {
        const job = jobOf(shape);
        let pods: Pod[] = [];
        let status: Job['status'] = {};
        for (let round = 0; round < 300; round++) {
          const current = { ...job, status };
          const tally = tallyJob(current, pods, new Set());
          if (completionOf(current, tally, tally.active.length)) break;
          const plan = planJob(current, tally, undefined, nowMs);
          const leaving = shape.podReplacementPolicy === 'Failed' ? tally.terminating.length : 0;
          expect(tally.active.length + leaving + plan.create.length).toBeLessThanOrEqual(Math.max(shape.parallelism, leaving));
          pods = [...pods, ...plan.create.map(({ index }) => podOf(job, index, 'Running'))];
          const active = pods.filter((pod) => pod.status?.phase === 'Running');
          const chosen = active[(random.next().value as number) % Math.max(1, active.length)];
          const ends = (random.next().value as number) % 3 > 0 ? 'Succeeded' : 'Failed';
          pods = pods.map((pod) => (pod === chosen ? { ...pod, status: { ...pod.status, phase: ends } } : pod));
          // Every few rounds the books are settled: ended pods lose their finalizer and count in the status.
          if (round % 3 === 2) {
            const settled = tallyJob({ ...job, status }, pods, new Set());
            status = {
              succeeded: settled.succeeded,
              failed: settled.failed,
              ...(shape.completionMode === 'Indexed' ? { completedIndexes: settled.succeededIndexes.toString() } : {}),
            };
            pods = pods.filter((pod) => pod.status?.phase === 'Running');
          }
        }
        const done = tallyJob({ ...job, status }, pods, new Set());
        expect(done.succeeded).toBe(shape.completions);
        expect(planJob({ ...job, status }, done, undefined, nowMs)).toEqual({ create: [], remove: [], waitMs: undefined });
      }),
      { numRuns: 200 },
    );
  });

  it('makes the lowest free index first and keeps the older of two pods of one index', () => {
    const job = jobOf({ completionMode: 'Indexed', completions: 4, parallelism: 4 });
    const pods = [podOf(job, 1, 'Running'), podOf(job, 3, 'Succeeded', 0)];
    expect(planJob(job, tallyJob(job, pods, new Set()), undefined, nowMs).create.map(({ index }) => index)).toEqual([0, 2]);
    const twins = [podOf(job, 1, 'Running'), podOf(job, 1, 'Running')];
    expect(planJob(job, tallyJob(job, twins, new Set()), undefined, nowMs).remove).toHaveLength(1);
  });

  it('waits longer after each failure, for each index by itself', () => {
    const job = jobOf({ completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimitPerIndex: 3 });
    // The third failure ended a day ago, so its 40 s are over; one that ended 5 s ago waits 5 s of its first 10.
    const old = podOf(job, 0, 'Failed', 1, 2);
    const plan = planJob(job, tallyJob(job, [old], new Set()), undefined, nowMs);
    expect(plan.create).toEqual([
      { index: 0, failures: { counted: 3, ignored: 0 } },
      { index: 1, failures: undefined },
    ]);
    const soon = planJob(job, tallyJob(job, [old], new Set()), undefined, Date.parse('2026-01-01T00:00:05Z'));
    expect([soon.create.map(({ index }) => index), soon.waitMs]).toEqual([[1], 35_000]);
    expect(tallyJob(job, [podOf(job, 0, 'Failed', 1, 3)], new Set()).failedIndexes.toString()).toBe('0');
  });

  it('counts a pod once although the cache still shows its finalizer', () => {
    const job = jobOf({ completions: 3 });
    const pod = podOf(job, undefined, 'Succeeded', 0);
    const counted = { ...job, status: { succeeded: 1 } };
    expect(tallyJob(counted, [pod], new Set([pod.metadata.uid ?? ''])).succeeded).toBe(1);
    expect(
      tallyJob({ ...job, status: { uncountedTerminatedPods: { succeeded: [pod.metadata.uid ?? ''] } } }, [pod], new Set()).succeeded,
    ).toBe(1);
  });
});

describe('the ending of a Job', () => {
  const reason = (job: Job, pods: readonly Pod[]): string | undefined => endingOf(job, pods, tallyJob(job, pods, new Set()), nowMs)?.reason;

  it('is decided by limits, deadline and policies', () => {
    const limited = jobOf({ backoffLimit: 1 });
    const failed = podOf(limited, undefined, 'Failed', 1);
    expect(reason(limited, [failed])).toBeUndefined();
    expect(reason(limited, [failed, podOf(limited, undefined, 'Failed', 1)])).toBe('BackoffLimitExceeded');
    expect(reason({ ...jobOf({ activeDeadlineSeconds: 10 }), status: { startTime: '2026-01-01T00:00:00Z' } }, [])).toBe('DeadlineExceeded');
    const indexed = jobOf({ completionMode: 'Indexed', completions: 5, backoffLimitPerIndex: 0, maxFailedIndexes: 1 });
    const two = [0, 1].map((index) => podOf(indexed, index, 'Failed', 1, 0));
    expect(reason(indexed, two)).toBe('MaxFailedIndexesExceeded');
    const counted = jobOf({
      completionMode: 'Indexed',
      completions: 5,
      successPolicy: { rules: [{ succeededIndexes: '0-2', succeededCount: 2 }] },
    });
    const some = [0, 2].map((index) => podOf(counted, index, 'Succeeded', 0));
    expect(reason(counted, some.slice(1))).toBeUndefined();
    expect(reason(counted, some)).toBe('SuccessPolicy');
  });

  it('takes the first rule that matches a failure', () => {
    const rules = [
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
      { action: 'FailJob', onExitCodes: { operator: 'NotIn', values: [1, 2] } },
    ];
    const job = jobOf({ podFailurePolicy: { rules } });
    const disrupted = podOf(job, undefined, 'Failed', 137);
    const conditions = [{ type: 'DisruptionTarget', status: 'True' }];
    expect(judgeFailure(job, { ...disrupted, status: { ...disrupted.status, conditions } })).toEqual({ action: 'Ignore', counts: false });
    expect(judgeFailure(job, podOf(job, undefined, 'Failed', 2))).toEqual({ action: undefined, counts: true });
    expect(judgeFailure(job, podOf(job, undefined, 'Failed', 3)).action).toBe('FailJob');
  });
});

describe('the delay after failures', () => {
  it('doubles up to ten minutes and ends with a success', () => {
    const job = jobOf({});
    const failures = Array.from({ length: 3 }, () => podOf(job, undefined, 'Failed', 1));
    const record = recordEnds(undefined, [], failures, nowMs);
    expect(record).toEqual({ failures: 3, lastMs: Date.parse('2026-01-01T00:00:00Z') });
    expect(retryInMs(record, Date.parse('2026-01-01T00:00:00Z'))).toBe(40_000);
    expect(retryInMs({ failures: 30, lastMs: nowMs }, nowMs)).toBe(600_000);
    const later = podOf(job, undefined, 'Succeeded', 0);
    expect(recordEnds(record, [later], [], nowMs)).toBeUndefined();
  });
});
