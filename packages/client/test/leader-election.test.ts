import { serviceUnavailable } from '@bayplan/api';
import type { Lease } from '@bayplan/api';
import { FakeClock, silentLogger } from '@bayplan/component-base';
import { describe, expect, it } from 'vitest';
import { createClient, runLeaderElection } from '../src/index.ts';
import { FakeApi } from './fake-api.ts';

const leasePath = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/test';

function candidate(api: FakeApi, clock: FakeClock, identity: string) {
  const stop = new AbortController();
  const terms: string[] = [];
  const stopped = runLeaderElection({
    client: createClient(api),
    clock,
    logger: silentLogger,
    namespace: 'kube-system',
    name: 'test',
    identity,
    signal: stop.signal,
    lead: async (signal) => {
      terms.push('began');
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      terms.push('ended');
    },
  });
  return { terms, stop: async () => (stop.abort(), clock.advance(0).then(() => stopped)) };
}

describe('leader election', () => {
  it('lets one lead and the next take over after the lease was given back', async () => {
    const api = new FakeApi();
    const clock = new FakeClock();
    const first = candidate(api, clock, 'first');
    await clock.advance(0);
    const second = candidate(api, clock, 'second');
    await clock.advance(60_000);
    expect([first.terms, second.terms]).toEqual([['began'], []]);
    await first.stop();
    await clock.advance(4000);
    expect([first.terms, second.terms]).toEqual([['began', 'ended'], ['began']]);
    const lease = api.objects.get(leasePath) as Lease;
    expect(lease.spec).toMatchObject({ holderIdentity: 'second', leaseTransitions: 1, leaseDurationSeconds: 15 });
    await second.stop();
  });

  it('takes a lease that was not renewed for its duration', async () => {
    const api = new FakeApi();
    const clock = new FakeClock();
    api.put(leasePath, {
      metadata: { name: 'test', namespace: 'kube-system' },
      spec: { holderIdentity: 'dead', leaseDurationSeconds: 15 },
    } as Lease);
    const other = candidate(api, clock, 'other');
    await clock.advance(14_000);
    expect(other.terms).toEqual([]);
    await clock.advance(4000);
    expect(other.terms).toEqual(['began']);
    await other.stop();
  });

  it('stops leading when it cannot renew in time', async () => {
    const api = new FakeApi();
    const clock = new FakeClock();
    const only = candidate(api, clock, 'only');
    await clock.advance(5000);
    api.fail = () => serviceUnavailable('gone');
    await clock.advance(8000); // the last renewal was at 4 s
    expect(only.terms).toEqual(['began']);
    await clock.advance(4000);
    expect(only.terms).toEqual(['began', 'ended']);
    api.fail = undefined;
    await clock.advance(20_000);
    expect(only.terms).toEqual(['began', 'ended', 'began']);
    await only.stop();
  });
});
