import { afterAll, beforeAll, describe, it } from 'vitest';
import { etcdMissing, startEtcd } from '../src/testing/index.ts';
import type { EtcdServer } from '../src/testing/index.ts';
import { openEtcdSubject } from './etcd-subject.ts';
import { checkRandomHistories } from './random-history.ts';

describe.skipIf(etcdMissing !== undefined)('the etcd store', () => {
  let server: EtcdServer;
  beforeAll(async () => {
    server = await startEtcd();
  });
  afterAll(() => server.dispose());

  it('answers like the naive twin, whatever happens to it', { timeout: 120_000 }, async () => {
    await checkRandomHistories(() => openEtcdSubject(server), { runs: 30, operations: 50 });
  });
});
