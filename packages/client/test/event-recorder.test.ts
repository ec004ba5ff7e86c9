import { resources } from '@bayplan/api';
import type { CoreV1Event, Pod } from '@bayplan/api';
import { FakeClock, silentLogger } from '@bayplan/component-base';
import { describe, expect, it } from 'vitest';
import { createClient, createEventRecorder } from '../src/index.ts';
import { FakeApi } from './fake-api.ts';

function setUp() {
  const api = new FakeApi();
  const clock = new FakeClock();
  const signal = new AbortController().signal;
  const recorder = createEventRecorder({
    client: createClient(api),
    clock,
    logger: silentLogger,
    component: 'kubelet',
    host: 'n1',
    signal,
  });
  const pod: Pod = { metadata: { namespace: 'default', name: 'web', uid: 'u1', resourceVersion: '7' } };
  const events = (): CoreV1Event[] => [...api.objects.values()] as CoreV1Event[];
  const record = (reason: string, message: string): void => recorder.event({ ref: resources.pods, object: pod }, 'Normal', reason, message);
  return { clock, recorder, record, events };
}

describe('an event recorder', () => {
  it('writes an event about an object', async () => {
    const { recorder, record, events } = setUp();
    record('Pulled', 'Image was there');
    await recorder.flush();
    expect(events()).toHaveLength(1);
    expect(events()[0]).toMatchObject({
      metadata: { namespace: 'default' },
      involvedObject: { kind: 'Pod', apiVersion: 'v1', namespace: 'default', name: 'web', uid: 'u1', resourceVersion: '7' },
      reason: 'Pulled',
      message: 'Image was there',
      type: 'Normal',
      count: 1,
      source: { component: 'kubelet', host: 'n1' },
    });
    expect(events()[0]?.metadata.name).toMatch(/^web\.[0-9a-f]+$/);
  });

  it('raises the count of an event that is repeated', async () => {
    const { clock, recorder, record, events } = setUp();
    record('BackOff', 'Waiting');
    await recorder.flush();
    await clock.advance(60_000);
    record('BackOff', 'Waiting');
    await recorder.flush();
    expect(events().map((event) => [event.count, event.firstTimestamp, event.lastTimestamp])).toEqual([
      [2, '2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z'],
    ]);
  });

  it('combines many different texts of one reason', async () => {
    const { recorder, record, events } = setUp();
    for (let index = 0; index < 12; index++) record('Failed', `Error ${String(index)}`);
    await recorder.flush();
    // Nine texts of their own, the other three in one.
    expect(events()).toHaveLength(10);
    expect(events().at(-1)).toMatchObject({ message: '(combined from similar events): Error 11', count: 3 });
  });

  it('cuts an object that reports too much, and lets one more through every five minutes', async () => {
    const { clock, recorder, record, events } = setUp();
    for (let index = 0; index < 40; index++) record(`Reason${String(index)}`, 'x');
    await recorder.flush();
    expect(events()).toHaveLength(25);
    await clock.advance(300_000);
    for (let index = 0; index < 3; index++) record(`Later${String(index)}`, 'x');
    await recorder.flush();
    expect(events()).toHaveLength(26);
  });
});
