import { createLogger, shutdownSignal } from '@bayplan/component-base';
import { startServer } from '../cluster/server.ts';
import type { ServerOptions } from '../cluster/server.ts';
import { prepareHome } from '../home.ts';
import { ensurePortFree } from '../host/prerequisites.ts';
import { recordProcess, refuseSecondInstance } from '../host/process-record.ts';

/** `bayplan server`: runs until a signal. */
export async function runServerCommand(options: Omit<ServerOptions, 'logger' | 'signal'>): Promise<void> {
  const { home } = options;
  await prepareHome(home);
  await refuseSecondInstance(home, ['up', 'server']);
  await ensurePortFree(options.port, '--port', options.bindAddress);
  const forget = await recordProcess(home.run, 'server');
  try {
    const logger = createLogger({ component: 'bayplan' });
    const server = await startServer({ ...options, logger, signal: shutdownSignal(logger) });
    logger.info('Served the API', { url: server.url, kubeconfig: home.kubeconfig });
    await server.stopped;
  } finally {
    await forget();
  }
}
