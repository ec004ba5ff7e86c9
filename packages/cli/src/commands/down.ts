import { cleanupNetwork } from '@bayplan/network';
import { removeEverything } from '@bayplan/nodeagent';
import { cleanupAll } from '@bayplan/runtime-shim';
import { createLogger, systemClock } from '@bayplan/component-base';
import path from 'node:path';
import { rmdir, stat } from 'node:fs/promises';
import { removeTree } from '../home.ts';
import type { Home } from '../home.ts';
import { runningProcesses, stopProcess } from '../host/process-record.ts';
import type { Progress } from '../progress.ts';
import { UserError } from '../user-error.ts';

export interface DownOptions {
  readonly home: Home;
  /** As it was given to `up` or `agent`: files that need no reboot live in its folder. */
  readonly criSocket: string;
  /** Remove the data folder too. */
  readonly purge: boolean;
  readonly progress: Progress;
}

/** First whom others would start again: a supervisor before what it supervises. */
const stopOrder = ['up', 'server', 'agent', 'runtime-shim'];

/** Stops every process of the cluster on this machine and removes every trace that it left in the kernel. */
export async function down(options: DownOptions): Promise<void> {
  const { home, progress } = options;
  const present = await stat(home.dir).catch(() => undefined);
  if (present === undefined) {
    progress.note(`nothing to stop: ${home.dir} does not exist`);
    return;
  }
  const logger = createLogger({ component: 'down', level: 'warn' });
  const runRoot = path.dirname(options.criSocket);
  const running = await runningProcesses(home.run);
  const rank = (role: string): number => (stopOrder.indexOf(role) + stopOrder.length + 1) % (stopOrder.length + 1);
  for (const record of running.sort((a, b) => rank(a.role) - rank(b.role))) {
    progress.step(`Stopping ${record.role} (pid ${record.pid})`);
    await stopProcess(record, 20_000);
  }
  if (await stat(home.runtime).catch(() => undefined)) {
    if (process.getuid?.() !== 0) throw new UserError('this cluster ran containers as root', 'use sudo to remove them');
    progress.step('Removing containers, mounts, cgroups and pod interfaces');
    await cleanupAll(home.dir, { runRoot });
    await removeEverything({ home: home.agent, logger });
    progress.step('Removing rules, routes and addresses');
    await cleanupNetwork({ clock: systemClock, logger, runDirectory: path.join(runRoot, 'network') });
    await rmdir(runRoot).catch((error: NodeJS.ErrnoException) => {
      // Others may keep something there too: it is the folder of a path that the user chose.
      if (!['ENOENT', 'ENOTEMPTY', 'EBUSY'].includes(error.code ?? '')) throw error;
    });
  }
  if (options.purge) {
    progress.step(`Removing ${home.dir}`);
    await removeTree(home.dir);
  }
  progress.done();
}
