import { describe, expect, it } from 'vitest';
import { parseSchedule } from '../../src/cronjob/cron-schedule.ts';
import { jobOfRun } from '../../src/cronjob/cronjob-jobs.ts';
import { dueRun } from '../../src/cronjob/missed-runs.ts';
import { findTimeZone } from '../../src/cronjob/time-zone.ts';
import type { TimeZone } from '../../src/cronjob/time-zone.ts';

function zone(name: string): TimeZone {
  const found = findTimeZone(name);
  if (found === undefined) throw new Error(`no zone ${name}`);
  return found;
}

const at = (text: string): number => Date.parse(text);
const next = (schedule: string, after: string, zoneName = 'UTC'): string | undefined => {
  const ms = parseSchedule(schedule, zone(zoneName)).next(at(after));
  return ms === undefined ? undefined : new Date(ms).toISOString().slice(0, 19);
};

describe('a cron schedule', () => {
  it.each<[string, string, string, string | undefined]>([
    ['every minute', '* * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:01:00'],
    ['every quarter', '*/15 * * * *', '2026-01-01T00:46:10Z', '2026-01-01T01:00:00'],
    ['from a number on', '5/20 * * * *', '2026-01-01T00:30:00Z', '2026-01-01T00:45:00'],
    ['lists and ranges', '0 9-17/4,23 * * *', '2026-01-01T13:00:00Z', '2026-01-01T17:00:00'],
    ['names of months and days', '0 0 * FEB mon', '2026-01-01T00:00:00Z', '2026-02-02T00:00:00'],
    ['either day field', '0 0 13 * fri', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00'],
    ['both when one is a star', '0 0 13 * ?', '2026-01-01T00:00:00Z', '2026-01-13T00:00:00'],
    ['a stepped star is no star', '0 0 */10 * mon', '2026-01-01T00:00:00Z', '2026-01-05T00:00:00'],
    ['the end of a year', '0 0 1 1 *', '2026-06-01T00:00:00Z', '2027-01-01T00:00:00'],
    ['leap days', '0 0 29 2 *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00'],
    ['days that never come', '0 0 31 2 *', '2026-01-01T00:00:00Z', undefined],
    ['descriptors', '@weekly', '2026-01-01T00:00:00Z', '2026-01-04T00:00:00'],
    ['intervals', '@every 1h30m', '2026-01-01T00:00:10Z', '2026-01-01T01:30:10'],
  ])('knows %s', (_name, schedule, after, expected) => {
    expect(next(schedule, after)).toBe(expected);
  });

  it.each<[string, string, string, string]>([
    ['in winter', '0 9 * * *', '2026-01-15T00:00:00Z', '2026-01-15T08:00:00'],
    ['in summer', '0 9 * * *', '2026-07-15T00:00:00Z', '2026-07-15T07:00:00'],
    // Clocks go from 2:00 to 3:00 on 2026-03-29: half past two does not happen that day.
    ['over the hour that is left out', '30 2 * * *', '2026-03-28T12:00:00Z', '2026-03-30T00:30:00'],
    ['after the change', '0 3 * * *', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00'],
  ])('goes by the local clock %s', (_name, schedule, after, expected) => {
    expect(next(schedule, after, 'Europe/Berlin')).toBe(expected);
  });

  it.each([
    ['TZ=UTC * * * * *', 'TZ and CRON_TZ are not supported; use the timeZone field'],
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * * * 7', 'end of range (7) above maximum (6): 7'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
    ['@reboot', 'unrecognized descriptor: @reboot'],
    ['@every soon', 'failed to parse duration @every soon'],
  ])('refuses %s', (schedule, message) => {
    expect(() => parseSchedule(schedule, zone('UTC'))).toThrow(message);
  });

  it('knows zones by name only', () => {
    expect(findTimeZone('Mars/Olympus')).toBeUndefined();
    expect(findTimeZone('Local')).toBeUndefined();
  });
});

describe('the run that is due', () => {
  const due = (schedule: string, last: string, now: string, startingDeadlineSeconds?: number) => {
    const cronJob = {
      metadata: { name: 'tick', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { schedule, jobTemplate: {}, ...(startingDeadlineSeconds === undefined ? {} : { startingDeadlineSeconds }) },
      status: { lastScheduleTime: last },
    };
    const { dueMs, tooMany, nextMs } = dueRun(cronJob, parseSchedule(schedule, zone('UTC')), at(now));
    const text = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString().slice(0, 16));
    return [text(dueMs), tooMany, text(nextMs)];
  };

  it.each<[string, Parameters<typeof due>, ReturnType<typeof due>]>([
    ['none yet', ['0 * * * *', '2026-01-01T10:00:00Z', '2026-01-01T10:59:59Z'], [undefined, false, '2026-01-01T11:00']],
    ['one', ['0 * * * *', '2026-01-01T10:00:00Z', '2026-01-01T11:00:01Z'], ['2026-01-01T11:00', false, '2026-01-01T12:00']],
    ['the last of several', ['0 * * * *', '2026-01-01T10:00:00Z', '2026-01-01T15:30:00Z'], ['2026-01-01T15:00', false, '2026-01-01T16:00']],
    ['the last of too many', ['* * * * *', '2026-01-01T10:00:00Z', '2026-01-02T10:00:30Z'], ['2026-01-02T10:00', true, '2026-01-02T10:01']],
    [
      'within the deadline',
      ['* * * * *', '2026-01-01T10:00:00Z', '2026-01-02T10:00:30Z', 120],
      ['2026-01-02T10:00', false, '2026-01-02T10:01'],
    ],
    ['none within the deadline', ['0 * * * *', '2026-01-01T10:00:00Z', '2026-01-01T15:30:00Z', 60], [undefined, false, '2026-01-01T16:00']],
    [
      'of an irregular schedule',
      ['0-5 9 * * *', '2026-01-01T09:00:00Z', '2026-01-03T20:00:00Z'],
      ['2026-01-03T09:05', true, '2026-01-04T09:00'],
    ],
  ])('%s', (_name, given, expected) => {
    expect(due(...given)).toEqual(expected);
  });

  it('names its Job by the minute and says when it was meant to run', () => {
    const cronJob = { metadata: { name: 'tick', namespace: 'default', uid: 'u' }, spec: { schedule: '* * * * *', jobTemplate: {} } };
    const job = jobOfRun(cronJob, at('2026-07-01T07:00:00Z'), zone('Europe/Berlin'));
    expect(job.metadata.name).toBe(`tick-${String(at('2026-07-01T07:00:00Z') / 60_000)}`);
    expect(job.metadata.annotations).toEqual({ 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-07-01T09:00:00+02:00' });
    expect(jobOfRun(cronJob, at('2026-07-01T07:00:00Z'), undefined)).toMatchObject({ metadata: { name: job.metadata.name } });
  });
});
