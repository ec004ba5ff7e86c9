import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Exits } from '../src/exits.ts';

const id = 'a'.repeat(64);
let folder: string;
let exits: Exits;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bayplan-exits-'));
  exits = new Exits(
    folder,
    () => Promise.resolve(),
    (error) => expect.unreachable(String(error)),
  );
});
afterEach(async () => {
  exits.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('Waiting for an exit', () => {
  it('has no end that a timer cannot hold: a grace period of months does not pass at once', async () => {
    await exits.start();
    const waiting = exits.wait(id, 90 * 86_400_000);
    expect(await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 20, 'still waits'))])).toBe('still waits');
    await writeFile(path.join(folder, id), '0');
    expect(await waiting).toBe(true);
  });

  it('ends with the removal of the container', async () => {
    const waiting = exits.wait(id, Infinity);
    exits.forget(id);
    expect(await waiting).toBe(false);
  });
});
