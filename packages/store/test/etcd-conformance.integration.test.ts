import { afterAll, beforeAll, describe, it } from 'vitest';
import { conformanceCases } from '../src/testing/index.ts';
import { etcdMissing, startEtcd } from '../src/testing/index.ts';
import type { EtcdServer } from '../src/testing/index.ts';
import { openEtcdSubject } from './etcd-subject.ts';

describe.skipIf(etcdMissing !== undefined)(`the etcd store${etcdMissing === undefined ? '' : `: ${etcdMissing}`}`, () => {
  let server: EtcdServer;
  beforeAll(async () => {
    server = await startEtcd();
  });
  afterAll(() => server.dispose());

  it.each(conformanceCases)('$name', { timeout: 30_000 }, async ({ run }) => {
    const subject = await openEtcdSubject(server);
    try {
      await run(subject);
    } finally {
      await subject.dispose();
    }
  });
});
