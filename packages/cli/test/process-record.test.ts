import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { homeAt } from '../src/home.ts';
import { isRunning, recordProcess, refuseSecondInstance, runningProcesses, stopProcess } from '../src/host/process-record.ts';

let dir: string;
let runDir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'bayplan-cli-'));
  runDir = homeAt(dir).run;
  await mkdir(runDir);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('a recorded process is found, refused a second time, stopped and forgotten', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  await recordProcess(runDir, 'agent', child.pid);
  const [record] = await runningProcesses(runDir);
  expect(record).toMatchObject({ role: 'agent', pid: child.pid });
  await expect(refuseSecondInstance(homeAt(dir), ['agent'])).rejects.toThrow(/agent runs on .* already \(pid \d+\): stop it/);
  await expect(refuseSecondInstance(homeAt(dir), ['up'])).resolves.toBeUndefined();
  const gone = once(child, 'exit');
  await stopProcess(record!, 5_000);
  await gone;
  expect(await isRunning(record!)).toBe(false);
  expect(await runningProcesses(runDir)).toEqual([]);
  expect(await readdir(runDir)).toEqual([]);
});

test.skipIf(process.platform !== 'linux')('a later process with the same pid is not mistaken for a recorded one', async () => {
  await writeFile(path.join(runDir, 'up.json'), JSON.stringify({ role: 'up', pid: process.pid, startTime: '1' }));
  expect(await runningProcesses(runDir)).toEqual([]);
});

test('a record that was cut short counts as none', async () => {
  await writeFile(path.join(runDir, 'up.json'), '{"role":"up","pi');
  expect(await runningProcesses(runDir)).toEqual([]);
});
