import { systemClock } from '@bayplan/component-base';
import { describe, expect, it } from 'vitest';
import { createCommandShell } from '../../src/host/command-shell.ts';

const shell = createCommandShell({ clock: systemClock });

describe('createCommandShell', () => {
  it('gives back output and exit code, one command after another', async () => {
    const results = await Promise.all([
      shell.run(['echo', 'one']),
      shell.run(['sh', '-c', 'echo two >&2; exit 3']),
      shell.run(['no-such-program']),
    ]);
    expect(results[0]).toEqual({ exitCode: 0, output: 'one\n' });
    expect(results[1]).toEqual({ exitCode: 3, output: 'two\n' });
    expect(results[2]?.exitCode).toBe(127);
  });

  it('passes words through unchanged', async () => {
    const odd = `it's $HOME; echo "no" \\ * ü`;
    expect((await shell.run(['printf', '%s', odd])).output).toBe(odd);
  });

  it('survives a command that hangs', async () => {
    await expect(shell.run(['sleep', '60'], { timeoutMs: 50 })).rejects.toThrow('longer than 50 ms');
    expect((await shell.run(['echo', 'again'])).output).toBe('again\n');
  });

  it('runs nothing after it was closed', async () => {
    await shell.close();
    await expect(shell.run(['echo'])).rejects.toThrow('closed');
  });
});
