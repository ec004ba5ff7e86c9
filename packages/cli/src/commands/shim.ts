import { createLogger, shutdownSignal, systemClock } from '@bayplan/component-base';
import { runShim } from '@bayplan/runtime-shim';
import path from 'node:path';
import { prepareHome } from '../home.ts';
import type { Home } from '../home.ts';
import { recordProcess, refuseSecondInstance } from '../host/process-record.ts';

/** `bayplan shim`: serves CRI until a signal. Containers keep running after it. */
export async function runShimCommand(home: Home, criSocket: string): Promise<void> {
  await prepareHome(home);
  await refuseSecondInstance(home, ['runtime-shim']);
  const forget = await recordProcess(home.run, 'runtime-shim');
  try {
    const logger = createLogger({ component: 'runtime-shim', file: path.join(home.logs, 'runtime-shim.log'), format: 'json' });
    const shim = await runShim({
      home: home.dir,
      socketPath: criSocket,
      runRoot: path.dirname(criSocket),
      clock: systemClock,
      logger,
      signal: shutdownSignal(logger),
    });
    await shim.stopped;
  } finally {
    await forget();
  }
}
