import type { Clock, Logger } from '@bayplan/component-base';
import { serveCri } from '@bayplan/rpc';
import { openRuntime } from './open-runtime.ts';
import { recover } from './recover.ts';
import { criHandlers } from './service.ts';
import { finishStopping } from './verbs/stop-pod-sandbox.ts';

export interface ShimOptions {
  /** Folder of the node's data; the shim uses `HOME/runtime`. */
  readonly home: string;
  /** Where CRI is served. */
  readonly socketPath: string;
  /** Folder for what need not survive a reboot. Default `/run/bayplan`. */
  readonly runRoot?: string;
  /** Used until the agent names a range; kept across restarts once it did. */
  readonly podCidr?: string;
  /** OCI runtimes by handler name, besides the default `runc`. */
  readonly handlers?: Readonly<Record<string, string>>;
  /** Registries (`host` or `host:port`) without TLS, besides those on loopback. */
  readonly insecureRegistries?: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Stops the shim. Containers keep running. */
  readonly signal: AbortSignal;
}

export interface Shim {
  /** Resolves when everything has stopped, after the signal aborted. */
  readonly stopped: Promise<void>;
}

/**
 * Starts the container runtime: recovers what an earlier process left, then serves CRI. Resolves when
 * the socket accepts calls. Only one shim may run per home folder.
 */
export async function runShim(options: ShimOptions): Promise<Shim> {
  const { logger, socketPath } = options;
  const runtime = await openRuntime(options);
  await runtime.network.prepare();
  await recover(runtime);
  await runtime.exits.start();
  await finishStopping(runtime);
  const server = await serveCri(socketPath, criHandlers(runtime));
  logger.info('Served the container runtime', { socketPath });
  const stop = async (): Promise<void> => {
    await server.close();
    await runtime.streaming.close();
    runtime.exits.stop();
    await runtime.host.close();
  };
  const stopped = new Promise<void>((resolve, reject) => {
    const begin = (): void => void stop().then(resolve, reject);
    if (options.signal.aborted) begin();
    else options.signal.addEventListener('abort', begin, { once: true });
  });
  return { stopped };
}
