import type { Logger } from './logger.ts';

/**
 * Aborts on SIGINT or SIGTERM; a second signal exits at once with 128 + its number. The returned
 * signal is what every long-running part of a process listens to.
 */
export function shutdownSignal(logger: Logger): AbortSignal {
  const controller = new AbortController();
  const numbers = { SIGINT: 2, SIGTERM: 15 } as const;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + numbers[name]);
      logger.info('Received signal to stop', { signal: name });
      controller.abort(new Error(`stopped by ${name}`));
    });
  }
  return controller.signal;
}
