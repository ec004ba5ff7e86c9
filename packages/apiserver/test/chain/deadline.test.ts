import { statusOf } from '@bayplan/api';
import { FakeClock } from '@bayplan/component-base';
import { describe, expect, it } from 'vitest';
import { deadline } from '../../src/chain/deadline.ts';
import type { RequestContext } from '../../src/chain/context.ts';
import { parseRequest } from '../../src/chain/request-info.ts';
import { anonymous } from '../../src/chain/user.ts';
import type { Outcome } from '../../src/chain/outcome.ts';

const outcome: Outcome = { kind: 'value', status: 200, value: {} };

function contextOf(path: string, query: string, expire: () => void = () => undefined): RequestContext {
  const parsed = new URLSearchParams(query);
  return {
    request: {
      method: 'GET',
      path,
      query: parsed,
      headers: {},
      body: { kind: 'none' },
      peer: { kind: 'anonymous' },
      remoteAddress: '',
      signal: new AbortController().signal,
      expire,
    },
    info: parseRequest('GET', path, parsed),
    knownResource: true,
    isCustom: false,
    startMs: 0,
    features: new Map(),
    user: anonymous,
    warnings: [],
  };
}

describe('a request', () => {
  it.each([
    ['', 60_000],
    ['timeout=2s', 2_000],
    ['timeout=0', 60_000],
    ['timeout=10m', 60_000],
  ])('with %j ends after %d ms', async (query, limitMs) => {
    const clock = new FakeClock();
    let expired = 0;
    const step = deadline(60_000, clock);
    const running = step(
      contextOf('/api/v1/pods', query, () => expired++),
      () => new Promise(() => undefined),
    );
    const failed = running.catch((error: unknown) => error);
    await clock.advance(limitMs - 1);
    expect(expired).toBe(0);
    await clock.advance(1);
    expect(statusOf(await failed)).toMatchObject({
      code: 504,
      reason: 'Timeout',
      message: 'Timeout: request did not complete within requested timeout - context deadline exceeded',
    });
    expect(expired).toBe(1);
  });

  it('that is done leaves no timer, and one that lasts has no end', async () => {
    const clock = new FakeClock();
    const step = deadline(1000, clock);
    expect(await step(contextOf('/api/v1/pods', ''), () => Promise.resolve(outcome))).toBe(outcome);
    let ended = false;
    void step(contextOf('/api/v1/pods', 'watch=true'), () => new Promise(() => undefined)).finally(() => (ended = true));
    await clock.advance(10_000);
    expect(ended).toBe(false);
  });

  it('with a limit that is none is refused', () => {
    expect(() => deadline(1000, new FakeClock())(contextOf('/api', 'timeout=soon'), () => Promise.resolve(outcome))).toThrow(
      'invalid timeout specified in the request URL - time: invalid duration "soon"',
    );
  });
});
