import { setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Launcher } from '../src/host/launcher.ts';

let folder: string;
let launcher: Launcher;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bayplan-launcher-'));
  launcher = new Launcher(folder);
});
afterEach(async () => {
  await launcher.close();
  await rm(folder, { recursive: true, force: true });
});

/** More than ever run at once. */
const many = Array.from({ length: 100 }, (_, index) => index);

describe('The launcher', () => {
  it('runs commands while any number of unbounded ones goes on', async () => {
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const held = many.slice(0, 20).map(() => launcher.run('sleep', ['60'], { unbounded: true, timeoutMs: 0, signal: stop.signal }));
    const ended = Promise.allSettled(held);
    expect((await launcher.run('echo', ['through'])).stdout.toString()).toBe('through\n');
    stop.abort(new Error('enough'));
    expect((await ended).every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('starts nothing for a caller that went away while it stood in line', async () => {
    const stop = new AbortController();
    const marker = path.join(folder, 'ran');
    const before = many.map(() => launcher.run('sleep', ['0.01']));
    const late = launcher.run('touch', [marker], { signal: stop.signal });
    stop.abort(new Error('gone'));
    await expect(late).rejects.toThrow('gone');
    await Promise.all(before);
    expect((await launcher.run('ls', [folder])).stdout.toString()).not.toContain('ran');
  });
});
