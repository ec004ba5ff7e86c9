import { resources } from '@bayplan/api';
import type { Job, Pod } from '@bayplan/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster } from './test-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
/** Exit codes by the label `app` and the completion index. */
const exits = new Map<string, (pod: Pod) => number | undefined>();
beforeAll(async () => {
  cluster = await startTestCluster();
  cluster.kubelet.ends = (pod) => {
    const exitCode = exits.get(pod.metadata.labels?.['app'] ?? '')?.(pod);
    return exitCode === undefined ? undefined : { exitCode };
  };
});
afterAll(() => cluster.close());

function job(name: string, spec: Partial<Job['spec']> = {}): Job {
  return {
    metadata: { namespace: 'default', name },
    spec: {
      template: { metadata: { labels: { app: name } }, spec: { restartPolicy: 'Never', containers: [{ name: 'work', image: 'work' }] } },
      ...spec,
    },
  };
}

async function podsOf(name: string): Promise<Pod[]> {
  return (await cluster.client.list(resources.pods, { namespace: 'default', labelSelector: `app=${name}` })).items;
}

const conditions = ({ status }: Job): string[] =>
  (status?.conditions ?? []).filter(({ status: value }) => value === 'True').map(({ type, reason }) => `${type} ${reason ?? ''}`);

const finished = (name: string): Promise<Job> =>
  cluster.until(resources.jobs, 'default', name, ({ status }) =>
    (status?.conditions ?? []).some((condition) => condition.status === 'True' && ['Complete', 'Failed'].includes(condition.type)),
  );

const indexOf = (pod: Pod): number => Number(pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index']);

/** Waits until all these events of a Job are there. */
async function reported(name: string, ...wanted: readonly string[]): Promise<void> {
  await cluster.eventually(async () => {
    const { items } = await cluster.client.list(resources.events, { namespace: 'default' });
    const texts = items
      .filter((event) => event.involvedObject.name === name)
      .map((event) => `${event.reason ?? ''}: ${event.message ?? ''}`);
    return wanted.every((text) => texts.includes(text));
  });
}

describe('the job controller', () => {
  it('runs as many pods as asked for, never more than the parallelism, and completes', async () => {
    let most = 0;
    exits.set('sum', () => {
      void podsOf('sum').then((pods) => (most = Math.max(most, pods.filter((pod) => pod.status?.phase !== 'Succeeded').length)));
      return 0;
    });
    await cluster.client.create(resources.jobs, job('sum', { completions: 5, parallelism: 2 }));
    const done = await finished('sum');
    expect(done.status).toMatchObject({ succeeded: 5, ready: 0, terminating: 0 });
    expect([done.status?.active, done.status?.failed]).toEqual([undefined, undefined]);
    expect(done.status?.completionTime).toBeDefined();
    expect(conditions(done)).toEqual(['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached']);
    expect(most).toBeLessThanOrEqual(2);
    const pods = await podsOf('sum');
    expect(pods.map((pod) => pod.metadata.finalizers)).toEqual([undefined, undefined, undefined, undefined, undefined]);
    await reported('sum', 'Completed: Job completed');
    const before = cluster.writes();
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(cluster.writes()).toBe(before);
  });

  it('gives indexed pods their index by name, label, host name and environment', async () => {
    exits.set('ranks', (pod) => (indexOf(pod) === 2 ? undefined : 0));
    await cluster.client.create(resources.jobs, job('ranks', { completions: 3, parallelism: 3, completionMode: 'Indexed' }));
    await cluster.until(resources.jobs, 'default', 'ranks', ({ status }) => status?.completedIndexes === '0,1' && status.active === 1);
    const last = (await podsOf('ranks')).find((pod) => indexOf(pod) === 2);
    expect(last?.metadata.name).toMatch(/^ranks-2-\w{5}$/);
    expect([last?.spec?.hostname, last?.metadata.labels?.['batch.kubernetes.io/job-completion-index']]).toEqual(['ranks-2', '2']);
    expect(last?.spec?.containers[0]?.env?.[0]?.name).toBe('JOB_COMPLETION_INDEX');
    // Elastic: what is no longer wanted is taken away, and the rest is enough.
    await cluster.client.patch(resources.jobs, { namespace: 'default', name: 'ranks' }, 'merge', {
      spec: { completions: 2, parallelism: 2 },
    });
    const done = await finished('ranks');
    expect([done.status?.succeeded, done.status?.completedIndexes, done.status?.failed]).toEqual([2, '0,1', undefined]);
  });

  it('forgets indexes that an elastic Job no longer has', async () => {
    exits.set('elastic', (pod) => (indexOf(pod) === 1 ? undefined : 0));
    await cluster.client.create(resources.jobs, job('elastic', { completions: 3, parallelism: 3, completionMode: 'Indexed' }));
    await cluster.until(resources.jobs, 'default', 'elastic', ({ status }) => status?.completedIndexes === '0,2');
    const key = { namespace: 'default', name: 'elastic' };
    await cluster.client.patch(resources.jobs, key, 'merge', { spec: { completions: 2, parallelism: 2 } });
    await cluster.until(resources.jobs, 'default', 'elastic', ({ status }) => status?.completedIndexes === '0' && status.succeeded === 1);
    exits.set('elastic', () => 0);
    const [running] = (await podsOf('elastic')).filter((pod) => pod.status?.phase === 'Running');
    const podKey = { namespace: 'default', name: running?.metadata.name ?? '' };
    await cluster.client.patch(resources.pods, podKey, 'merge', { metadata: { annotations: { nudge: 'yes' } } });
    const done = await finished('elastic');
    expect([done.status?.succeeded, done.status?.completedIndexes]).toEqual([2, '0,1']);
  });

  it('fails once more pods have failed than the limit allows', async () => {
    exits.set('bad', () => 1);
    await cluster.client.create(resources.jobs, job('bad', { backoffLimit: 0, parallelism: 2, completions: 2 }));
    const done = await finished('bad');
    expect(conditions(done)).toEqual(['FailureTarget BackoffLimitExceeded', 'Failed BackoffLimitExceeded']);
    expect(done.status?.failed).toBe(2);
    await reported('bad', 'BackoffLimitExceeded: Job has reached the specified backoff limit');
  });

  it('does with a failed pod what the policy says', async () => {
    exits.set('policy', () => 42);
    const rules = [{ action: 'FailJob', onExitCodes: { containerName: 'work', operator: 'In', values: [42] } }];
    await cluster.client.create(resources.jobs, job('policy', { podFailurePolicy: { rules } }));
    const done = await finished('policy');
    const [pod] = await podsOf('policy');
    expect(done.status?.conditions?.at(-1)).toMatchObject({
      reason: 'PodFailurePolicy',
      message: `Container work for pod default/${pod?.metadata.name ?? ''} failed with exit code 42 matching FailJob rule at index 0`,
    });
  });

  it('limits failures of each index, and counts those that failed', async () => {
    exits.set('each', (pod) => (indexOf(pod) === 1 ? 1 : 0));
    await cluster.client.create(
      resources.jobs,
      job('each', { completions: 3, parallelism: 3, completionMode: 'Indexed', backoffLimitPerIndex: 0 }),
    );
    const done = await finished('each');
    expect([done.status?.completedIndexes, done.status?.failedIndexes, conditions(done)]).toEqual([
      '0,2',
      '1',
      ['FailureTarget FailedIndexes', 'Failed FailedIndexes'],
    ]);
  });

  it('ends early when the success policy is met', async () => {
    exits.set('leader', (pod) => (indexOf(pod) === 0 ? 0 : undefined));
    const successPolicy = { rules: [{ succeededIndexes: '0' }] };
    await cluster.client.create(
      resources.jobs,
      job('leader', { completions: 3, parallelism: 3, completionMode: 'Indexed', successPolicy }),
    );
    const done = await finished('leader');
    expect(conditions(done)).toEqual(['SuccessCriteriaMet SuccessPolicy', 'Complete SuccessPolicy']);
    expect(done.status?.conditions?.at(-1)?.message).toBe('Matched rules at index 0');
    await cluster.eventually(async () => (await podsOf('leader')).length === 1);
  });

  it('suspends and resumes', async () => {
    await cluster.client.create(resources.jobs, job('pause', { parallelism: 2, completions: 2 }));
    await cluster.until(resources.jobs, 'default', 'pause', ({ status }) => status?.ready === 2);
    const set = (suspend: boolean) =>
      cluster.client.patch(resources.jobs, { namespace: 'default', name: 'pause' }, 'merge', { spec: { suspend } });
    await set(true);
    const asleep = await cluster.until(
      resources.jobs,
      'default',
      'pause',
      ({ status }) => status?.conditions?.[0]?.status === 'True' && !status.active,
    );
    expect([asleep.status?.failed, asleep.status?.conditions?.[0]?.reason]).toEqual([undefined, 'JobSuspended']);
    expect(asleep.status?.startTime).toBeUndefined();
    exits.set('pause', () => 0);
    await set(false);
    const done = await finished('pause');
    expect([done.status?.succeeded, done.status?.failed]).toEqual([2, undefined]);
    await reported('pause', 'Suspended: Job suspended', 'Resumed: Job resumed');
  });

  it('keeps to its deadline', async () => {
    await cluster.client.create(resources.jobs, job('late', { activeDeadlineSeconds: 1 }));
    const done = await finished('late');
    expect(conditions(done)).toEqual(['FailureTarget DeadlineExceeded', 'Failed DeadlineExceeded']);
    await cluster.eventually(async () => (await podsOf('late')).length === 0);
  });

  it('lets go of the pods of a Job that was deleted', async () => {
    await cluster.client.create(resources.jobs, job('gone', { parallelism: 2, completions: 2 }));
    await cluster.until(resources.jobs, 'default', 'gone', ({ status }) => status?.ready === 2);
    await cluster.client.delete(resources.jobs, { namespace: 'default', name: 'gone' }, { propagationPolicy: 'Background' });
    await cluster.eventually(async () => (await podsOf('gone')).length === 0);
  });

  it('leaves alone what another controller manages', async () => {
    await cluster.client.create(resources.jobs, job('foreign', { managedBy: 'example.test/queue' }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await podsOf('foreign')).toEqual([]);
  });
});
