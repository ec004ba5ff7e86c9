import type { Outcome } from '../chain/outcome.ts';
import type { ServerParts } from '../server-parts.ts';
import { kubernetesVersion } from './version.ts';

const warning =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';

/** `/statusz`: what runs here, and since when. */
export function statusz(parts: ServerParts, paths: readonly string[]): Outcome {
  const nowMs = parts.options.clock.now();
  const seconds = Math.floor((nowMs - parts.startedMs) / 1000);
  const up = [`${Math.floor(seconds / 3600).toString()} hr`, `${pad(Math.floor(seconds / 60) % 60)} min`, `${pad(seconds % 60)} sec`];
  return page('statusz', [
    `Started: ${new Date(parts.startedMs).toUTCString()}`,
    `Up: ${up.join(' ')}`,
    `Go version: node${process.version}`,
    `Binary version: ${kubernetesVersion.gitVersion.slice(1)}`,
    `Emulation version: ${kubernetesVersion.major}.${kubernetesVersion.minor}`,
    `Paths: ${paths.join(' ')}`,
  ]);
}

/** `/flagz`: the flags that were given or have a default. Files are named, never shown. */
export function flagz(parts: ServerParts): Outcome {
  const flags = Object.entries(parts.options.flags ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return page(
    'flagz',
    flags.map(([name, value]) => `${name}=${value}`),
  );
}

function page(name: string, lines: readonly string[]): Outcome {
  const text = `\nkube-apiserver ${name}\n${warning}\n\n${lines.join('\n')}\n`;
  return { kind: 'bytes', status: 200, contentType: 'text/plain; charset=utf-8', bytes: Buffer.from(text) };
}

const pad = (value: number): string => value.toString().padStart(2, '0');
