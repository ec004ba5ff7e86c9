import type { Logger } from '@bayplan/component-base';
import { systemClock, systemRandom } from '@bayplan/component-base';
import type { Progress } from '../progress.ts';
import { clusterAdministrator } from './server.ts';
import type { RunningServer } from './server.ts';

/** Starts `count` simulated nodes in this process. Resolves when all of them are Ready. */
export async function startHollowCluster(
  server: RunningServer,
  count: number,
  logger: Logger,
  signal: AbortSignal,
  progress: Progress,
): Promise<{ stopped: Promise<void> }> {
  progress.step(`Registering ${count} simulated nodes`);
  const { startHollowNodes } = await import('@bayplan/simulator');
  const nodes = await startHollowNodes({
    client: server.client(clusterAdministrator),
    count,
    clock: systemClock,
    random: systemRandom,
    logger: logger.with({ component: 'simulator' }),
    signal,
  });
  await nodes.ready;
  return { stopped: nodes.stopped };
}
