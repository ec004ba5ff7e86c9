import { readFile } from 'node:fs/promises';
import type { Clock } from '@bayplan/component-base';
import { isIpv4 } from '../ipv4.ts';

/** The `nameserver` addresses of a resolver configuration, in order, without `except` (ourselves: that would be a loop). */
export function parseNameServers(text: string, except: string): string[] {
  const found = text
    .split('\n')
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? '')
    .filter((address) => (isIpv4(address) || address.includes(':')) && address !== except);
  return [...new Set(found)];
}

const rereadAfterMs = 10_000;

/** Reads the file again at most every 10 s; keeps what it knew when the file cannot be read. */
export function watchNameServers(options: {
  readonly file: string;
  readonly except: string;
  readonly clock: Clock;
}): () => Promise<readonly string[]> {
  let known: readonly string[] = [];
  let readAt = -Infinity;
  return async () => {
    if (options.clock.monotonic() - readAt < rereadAfterMs) return known;
    readAt = options.clock.monotonic();
    const text = await readFile(options.file, 'utf8').catch(() => undefined);
    if (text !== undefined) known = parseNameServers(text, options.except);
    return known;
  };
}
