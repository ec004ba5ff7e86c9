import { resources } from '@bayplan/api';
import type { CronJob, Job } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster } from './test-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
const endless = new Set<string>();
beforeAll(async () => {
  cluster = await startTestCluster();
  cluster.kubelet.ends = (pod) => (endless.has(pod.metadata.labels?.['app'] ?? '') ? undefined : { exitCode: 0 });
});
afterAll(() => cluster.close());

/** Makes a CronJob whose last run is so many minutes ago, so that one is due now. */
async function overdue(name: string, minutesAgo: number, spec: Partial<CronJob['spec']> = {}): Promise<void> {
  const template = { metadata: { labels: { app: name } }, spec: { restartPolicy: 'Never', containers: [{ name: 'work', image: 'work' }] } };
  await cluster.client.create(resources.cronJobs, {
    metadata: { namespace: 'default', name },
    spec: { schedule: '* * * * *', suspend: true, jobTemplate: { metadata: { labels: { app: name } }, spec: { template } }, ...spec },
  });
  await miss(name, minutesAgo);
  await cluster.client.patch(resources.cronJobs, { namespace: 'default', name }, 'merge', { spec: { suspend: false } });
}

async function miss(name: string, minutesAgo: number): Promise<void> {
  const lastScheduleTime = timestamp(Date.now() - minutesAgo * 60_000);
  await cluster.client.patch(
    resources.cronJobs,
    { namespace: 'default', name },
    'merge',
    { status: { lastScheduleTime } },
    { subresource: 'status' },
  );
}

const jobsOf = async (name: string): Promise<Job[]> =>
  (await cluster.client.list(resources.jobs, { namespace: 'default', labelSelector: `app=${name}` })).items;

const eventsOf = async (name: string): Promise<string[]> =>
  (await cluster.client.list(resources.events, { namespace: 'default' })).items
    .filter((event) => event.involvedObject.name === name)
    .map((event) => `${event.reason ?? ''}: ${event.message ?? ''}`);

describe('the cronjob controller', () => {
  it('starts only the last run that was missed, and follows it to its end', async () => {
    await overdue('tick', 5);
    const [job] = await cluster.eventually(async () => {
      const found = await jobsOf('tick');
      return found.length === 1 && found;
    });
    expect(job?.metadata.name).toMatch(/^tick-\d{8}$/);
    expect(job?.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'CronJob', name: 'tick', controller: true });
    const done = await cluster.until(
      resources.cronJobs,
      'default',
      'tick',
      ({ status }) => status?.lastSuccessfulTime !== undefined && (status.active ?? []).length === 0,
    );
    expect(Date.parse(done.status?.lastScheduleTime ?? '')).toBe(Number(job?.metadata.name?.slice(5)) * 60_000);
    const events = await cluster.eventually(async () => {
      const found = await eventsOf('tick');
      return found.some((text) => text.startsWith('SawCompletedJob')) && found;
    });
    const name = job?.metadata.name ?? '';
    expect(events).toEqual([`SuccessfulCreate: Created job ${name}`, `SawCompletedJob: Saw completed job: ${name}, condition: Complete`]);
  });

  it('starts no second run beside the first where that is forbidden', async () => {
    endless.add('one');
    await overdue('one', 5, { concurrencyPolicy: 'Forbid' });
    await cluster.until(resources.cronJobs, 'default', 'one', ({ status }) => status?.active?.length === 1);
    const [job] = await jobsOf('one');
    // As if the run had been one of an earlier minute.
    const active = [{ apiVersion: 'batch/v1', kind: 'Job', namespace: 'default', name: 'one-1', uid: job?.metadata.uid }];
    await cluster.client.patch(
      resources.cronJobs,
      { namespace: 'default', name: 'one' },
      'merge',
      { status: { lastScheduleTime: timestamp(Date.now() - 180_000), active } },
      { subresource: 'status' },
    );
    await cluster.eventually(async () =>
      (await eventsOf('one')).includes(
        'JobAlreadyActive: Not starting job because prior execution is running and concurrency policy is Forbid',
      ),
    );
    expect(await jobsOf('one')).toHaveLength(1);
  });

  it('says so when so many runs were missed that something must be wrong', async () => {
    await overdue('old', 300);
    await cluster.eventually(async () => (await jobsOf('old')).length === 1);
    await cluster.eventually(async () =>
      (await eventsOf('old')).some((text) => text.startsWith('TooManyMissedTimes: too many missed start times')),
    );
  });

  it('keeps as many finished Jobs as asked for, and deletes others when their time is over', async () => {
    const work = { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'work', image: 'work' }] } } };
    await overdue('few', 5, { successfulJobsHistoryLimit: 0 });
    await cluster.eventually(async () => (await eventsOf('few')).some((text) => text.startsWith('SuccessfulDelete: Deleted job few-')));
    await cluster.eventually(async () => (await jobsOf('few')).length === 0);
    await cluster.client.create(resources.jobs, {
      metadata: { namespace: 'default', name: 'brief', labels: { app: 'brief' } },
      spec: { ...work, ttlSecondsAfterFinished: 1 },
    });
    await cluster.eventually(async () => (await jobsOf('brief')).length === 0);
    await cluster.eventually(async () => {
      const { items } = await cluster.client.list(resources.pods, { namespace: 'default', labelSelector: 'job-name=brief' });
      return items.length === 0;
    });
  });
});
