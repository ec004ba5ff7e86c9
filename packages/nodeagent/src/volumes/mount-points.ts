import { readFile, realpath } from 'node:fs/promises';
import type { HostCommands } from '../options.ts';

/** Where something is mounted, in the order in which it was mounted. A place may be there more than once. */
export async function mountPoints(): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table.split('\n').flatMap((line) => {
    const point = line.split(' ')[4];
    // The kernel writes blanks and backslashes as octal numbers.
    return point === undefined ? [] : [point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))];
  });
}

/** Unmounts what is mounted at or below a path; does nothing when nothing is. Throws when something stays mounted. */
export async function unmountBelow(commands: HostCommands, path: string): Promise<void> {
  // The kernel's table has no links in it.
  const real = await realpath(path).catch(() => path);
  const below = (await mountPoints()).filter((point) => point === real || point.startsWith(`${real}/`));
  // Innermost first.
  for (const point of below.toReversed()) {
    const result = await commands.run('umount', [point]);
    if (result.exitCode !== 0 && (await mountPoints()).includes(point))
      throw new Error(`unmounting ${point} failed: ${result.stderr.trim()}`);
  }
}
