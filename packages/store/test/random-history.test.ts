import { it } from 'vitest';
import { openEmbeddedSubject } from './embedded-subject.ts';
import { checkRandomHistories } from './random-history.ts';

it('the embedded store answers like the naive twin, whatever happens to it', { timeout: 60_000 }, async () => {
  await checkRandomHistories(openEmbeddedSubject, { runs: 60, operations: 60 });
});

it('the embedded store answers like the naive twin when its watchers must read history again', { timeout: 60_000 }, async () => {
  await checkRandomHistories(() => openEmbeddedSubject({ recentEvents: 3 }), { runs: 60, operations: 60 });
});
