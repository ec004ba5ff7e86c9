import { fileURLToPath } from 'node:url';

const mainScript = fileURLToPath(new URL('../main.js', import.meta.url));

/**
 * V8 flags of long-running processes: many short-lived objects, small live heaps. A small young
 * generation costs a little more collection time and saves tens of MiB that would otherwise be kept.
 */
export const leanV8Flags = ['--max-semi-space-size=2', '--optimize-for-size'];

/** Arguments of Node.js that run `bayplan COMMAND --flag value ...` as a process of its own. */
export function nodeProcessArgs(command: string, flags: Readonly<Record<string, string>>): string[] {
  const pairs = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  return [...leanV8Flags, mainScript, command, ...pairs];
}
