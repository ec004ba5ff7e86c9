import { rmdir } from 'node:fs/promises';
import { systemClock } from '@bayplan/component-base';
import type { Clock, Logger } from '@bayplan/component-base';
import { createCommandShell } from './host/command-shell.ts';
import { addressLabel } from './host/local-address.ts';
import { createNftSession } from './host/nft-session.ts';
import { tableName } from './proxy/ruleset.ts';
import { routeProtocol } from './routes/node-routes.ts';

export interface CleanupOptions {
  readonly logger: Logger;
  readonly clock?: Clock;
  /** As given to `startNetwork`. Default `/run/bayplan/network`. */
  readonly runDirectory?: string;
}

/**
 * Removes what `startNetwork` made on this machine: its nftables table, its address on `lo`, its routes
 * and its folder, unless others use that too. Nothing else is touched; sysctls stay as they are. Safe to repeat.
 */
export async function cleanupNetwork(options: CleanupOptions): Promise<void> {
  const shell = createCommandShell({ clock: options.clock ?? systemClock });
  const attempt = async (command: readonly string[], absent: RegExp): Promise<string> => {
    const { exitCode, output } = await shell.run(command);
    if (exitCode !== 0 && !absent.test(output))
      options.logger.warn('Could not remove part of the network', { command: command.join(' '), output: output.trim() });
    return exitCode === 0 ? output : '';
  };
  try {
    await attempt(['nft', 'delete', 'table', ...tableName.split(' ')], /No such file|not found/);
    await attempt(['ip', 'route', 'flush', 'proto', routeProtocol], /Nothing to flush/);
    const held = await attempt(['ip', '-4', '-o', 'address', 'show', 'dev', 'lo', 'label', addressLabel], /^$/);
    for (const [, address] of held.matchAll(/inet (\S+)/g))
      await attempt(['ip', 'address', 'del', address ?? '', 'dev', 'lo'], /Cannot assign/);
  } finally {
    await shell.close();
  }
  const directory = options.runDirectory ?? '/run/bayplan/network';
  // Removes its script; the folder goes only if nobody else keeps something in it.
  await createNftSession({ clock: options.clock ?? systemClock, directory }).close();
  await rmdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY') throw error;
  });
}
