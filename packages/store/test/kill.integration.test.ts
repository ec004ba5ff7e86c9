import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openEmbeddedStore, openEtcdStore } from '../src/index.ts';
import { etcdMissing, startEtcd } from '../src/testing/index.ts';
import type { Acknowledged } from './writing-process.ts';
import { checkSurvivors, startWriting } from './writing-process.ts';

const rounds = 6;

describe('kill -9', () => {
  it('of a process that writes to the embedded store loses nothing that was acknowledged', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'bayplan-kill-'));
    try {
      const acknowledged: Acknowledged[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const writing = startWriting('embedded', directory, 1 + 20 * round);
        await writing.started;
        await sleep(Math.random() * 400);
        await writing.kill();
        acknowledged.push(...writing.acknowledged);
        const store = await openEmbeddedStore({ directory });
        try {
          await checkSurvivors(store, acknowledged);
        } finally {
          await store.close();
        }
      }
      expect(acknowledged.length).toBeGreaterThan(rounds);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it.skipIf(etcdMissing !== undefined)('of etcd, or of a process that writes to it, loses nothing that was acknowledged', async () => {
    const server = await startEtcd();
    try {
      const acknowledged: Acknowledged[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const writing = startWriting('etcd', server.endpoint, 1 + 10 * round);
        await writing.started;
        await sleep(Math.random() * 400);
        if (round % 2 === 0) {
          await server.kill('SIGKILL');
          await sleep(50);
        }
        await writing.kill();
        acknowledged.push(...writing.acknowledged);
        if (round % 2 === 0) await server.start();
        const store = await openEtcdStore({ endpoints: [server.endpoint], prefix: '/kill' });
        try {
          await checkSurvivors(store, acknowledged);
        } finally {
          await store.close();
        }
      }
      expect(acknowledged.length).toBeGreaterThan(rounds);
    } finally {
      await server.dispose();
    }
  });
});
