import type { Deployment, ReplicaSet } from '@bayplan/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rollingLimits } from '../../src/deployment/deployment-spec.ts';
import { newestReplicas, resize, shrinkOld, wasResized } from '../../src/deployment/rolling-plan.ts';

function deploymentOf(replicas: number, maxSurge: number | string = '25%', maxUnavailable: number | string = '25%'): Deployment {
  return {
    metadata: { name: 'web' },
    spec: { replicas, selector: {}, template: {}, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } },
  };
}

function replicaSet(name: string, replicas: number, available = replicas, annotations: Record<string, string> = {}): ReplicaSet {
  return {
    metadata: { name, creationTimestamp: `2026-01-01T00:00:0${name}Z`, annotations },
    spec: { replicas, selector: {} },
    status: { replicas, availableReplicas: available },
  };
}

const sizes = (steps: readonly { replicaSet: ReplicaSet; replicas: number }[]): string[] =>
  steps.map((step) => `${step.replicaSet.metadata.name ?? ''}:${String(step.replicas)}`);

describe('rolling limits', () => {
  it.each([
    [10, '25%', '25%', { maxSurge: 3, maxUnavailable: 2 }], // up for surge, down for unavailable
    [1, '25%', '25%', { maxSurge: 1, maxUnavailable: 0 }],
    [10, 0, '1%', { maxSurge: 0, maxUnavailable: 1 }], // both 0 would never move
    [2, 1, 5, { maxSurge: 1, maxUnavailable: 2 }],
  ])('of %i replicas with surge %s and unavailable %s', (replicas, surge, unavailable, limits) => {
    expect(rollingLimits(deploymentOf(replicas, surge, unavailable))).toEqual(limits);
  });
});

describe('a rolling update', () => {
  it('grows the newest by what the surge leaves', () => {
    expect(newestReplicas(deploymentOf(10), [replicaSet('1', 10)], 0)).toBe(3);
    expect(newestReplicas(deploymentOf(10), [replicaSet('1', 8), replicaSet('2', 3)], 3)).toBe(5);
    expect(newestReplicas(deploymentOf(10), [replicaSet('1', 10), replicaSet('2', 3)], 3)).toBe(3);
  });

  it('shrinks the old by what may be missed', () => {
    const old = replicaSet('1', 10);
    // 10 available, 8 needed: 2 may go, although 3 new ones are not available yet.
    expect(sizes(shrinkOld(deploymentOf(10), [old, replicaSet('2', 3, 0)], replicaSet('2', 3, 0), [old]))).toEqual(['1:8']);
  });

  it('first drops old replicas that are broken', () => {
    const old = [replicaSet('1', 4, 0), replicaSet('2', 6)];
    const newest = replicaSet('3', 3, 0);
    // 13 pods, 8 needed, 3 new unavailable: 2 may go, and they are the broken ones. 6 are available, so no more.
    expect(sizes(shrinkOld(deploymentOf(10), [...old, newest], newest, old))).toEqual(['1:2']);
  });

  it('ends with the wanted pods and never leaves its limits, whatever becomes available when', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 0, max: 5 }),
        fc.infiniteStream(fc.nat(3)),
        (replicas, surge, unavailable, luck) => {
          const deployment = deploymentOf(replicas, surge, unavailable);
          const limits = rollingLimits(deployment);
          let old = replicaSet('1', replicas);
          let newest = replicaSet('2', 0);
          for (let step = 0; step < 500; step++) {
            const size = newestReplicas(deployment, [old, newest], newest.spec?.replicas ?? 0);
            newest = replicaSet('2', size, newest.status?.availableReplicas);
            for (const one of shrinkOld(deployment, [old, newest], newest, [old])) old = replicaSet('1', one.replicas);
            const available = (old.status?.availableReplicas ?? 0) + (newest.status?.availableReplicas ?? 0);
            expect((old.spec?.replicas ?? 0) + size).toBeLessThanOrEqual(replicas + limits.maxSurge);
            expect(available).toBeGreaterThanOrEqual(replicas - limits.maxUnavailable);
            if (size === replicas && available === replicas && old.spec?.replicas === 0) return;
            newest = replicaSet('2', size, Math.min(size, (newest.status?.availableReplicas ?? 0) + (luck.next().value ?? 0)));
          }
          throw new Error('The rollout did not end');
        },
      ),
    );
  });
});

describe('resizing', () => {
  const annotated = (size: number, max: number) => ({
    'deployment.kubernetes.io/desired-replicas': String(size),
    'deployment.kubernetes.io/max-replicas': String(max),
  });

  it('gives everything to the only active ReplicaSet', () => {
    expect(sizes(resize(deploymentOf(7), replicaSet('2', 3), [replicaSet('1', 0)]))).toEqual(['2:7']);
    expect(sizes(resize(deploymentOf(7), undefined, [replicaSet('1', 0), replicaSet('2', 0)]))).toEqual(['2:7']);
  });

  it('shares a change out in the middle of a rollout', () => {
    // From 10 to 20 replicas, surge 25 %: 13 pods become 25; 8 and 5 of 13 grow to 15 and 10.
    const steps = resize(deploymentOf(20), replicaSet('2', 5, 5, annotated(10, 13)), [replicaSet('1', 8, 8, annotated(10, 13))]);
    expect(sizes(steps)).toEqual(['1:15', '2:10']);
  });

  it('empties the old when the newest has everything', () => {
    expect(sizes(resize(deploymentOf(3), replicaSet('2', 3, 3, annotated(3, 4)), [replicaSet('1', 1)]))).toEqual(['1:0']);
  });

  it('is needed when the size that a ReplicaSet remembers differs', () => {
    expect(wasResized(deploymentOf(3), [replicaSet('1', 3, 3, annotated(3, 4))])).toBe(false);
    expect(wasResized(deploymentOf(4), [replicaSet('1', 3, 3, annotated(3, 4))])).toBe(true);
  });
});
