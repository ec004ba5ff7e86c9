import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const strace = '/usr/bin/strace';
const script = fileURLToPath(new URL('writing-process.mjs', import.meta.url));

/** A process that is killed keeps what the kernel has; only the order of system calls shows that a flush came first. */
it.skipIf(!existsSync(strace))('a write is flushed before it is acknowledged', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'bayplan-flush-'));
  try {
    const trace = path.join(directory, 'trace');
    const calls = 'trace=pwrite64,pwritev,writev,fdatasync,write';
    const child = spawn(
      strace,
      ['-f', '-y', '-s', '16', '-e', calls, '-o', trace, process.execPath, script, 'embedded', path.join(directory, 'data'), '1'],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    let said = '';
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (text: Buffer) => {
        said += text.toString();
        if (said.split('\n').length > 60) child.stdout.destroy();
      });
      // Writing to the closed pipe ends the process.
      child.once('close', () => resolve());
    });
    const steps = (await readFile(trace, 'utf8')).split('\n').flatMap((line) => {
      if (/\bwrite\(1<.*"ack /.test(line)) return ['ack'];
      if (!line.includes('/data.mdb>')) return [];
      if (/fdatasync\(.*= 0/.test(line)) return ['flush'];
      // The meta page, 128 bytes of it, goes through a descriptor that was opened with O_DSYNC.
      if (/pwrite64\(.*= 128$/.test(line)) return ['meta'];
      return ['data'];
    });
    const between = steps
      .join(' ')
      .split('ack')
      .slice(1, -1)
      .map((part) => part.trim().replace(/(data ?)+/, 'data '));
    expect(between.length).toBeGreaterThan(30);
    expect(new Set(between)).toEqual(new Set(['data flush meta']));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
