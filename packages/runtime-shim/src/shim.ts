import { access, mkdir, readFile } from 'node:fs/promises';
import type { Clock, Logger } from '@bayplan/component-base';
import { createRoutedNetwork } from '@bayplan/pod-network';
import { serveCri } from '@bayplan/rpc';
import { handleExit } from './container-lifecycle.ts';
import { EventHub } from './event-hub.ts';
import { Exits } from './exits.ts';
import { createLinuxHost } from './host/linux-host.ts';
import { ImageStore } from './images/image-store.ts';
import { LayerStore } from './images/layer-store.ts';
import { KeyedLock } from './keyed-lock.ts';
import { layoutOf, prepareFolders } from './layout.ts';
import { recover } from './recover.ts';
import type { Runtime } from './runtime.ts';
import { criHandlers } from './service.ts';
import { RecordStore } from './state/record-store.ts';

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
  const { logger, clock } = options;
  const layout = layoutOf(options.home, options.runRoot);
  await prepareFolders(layout);
  const host = createLinuxHost(layout.sockets);
  await mkdir(layout.addresses, { recursive: true, mode: 0o700 });
  const podCidr = (await savedPodCidr(layout.networkConfig)) ?? options.podCidr;
  const network = await createRoutedNetwork({
    stateFolder: layout.addresses,
    commands: host,
    ...(podCidr === undefined ? {} : { podCidr }),
  });
  await network.prepare();
  const runtime: Runtime = {
    layout,
    host,
    clock,
    logger,
    network,
    sandboxes: new RecordStore(layout.sandboxes),
    containers: new RecordStore(layout.containers),
    images: new ImageStore(layout.images),
    layers: new LayerStore(layout.layers, host),
    locks: new KeyedLock(),
    events: new EventHub(),
    exits: new Exits(
      layout.exits,
      (id, exit) => handleExit(runtime, id, exit),
      (err) => logger.error('Failed to handle an exit', { err }),
    ),
    handlers: { '': 'runc', runc: 'runc', ...options.handlers },
    cgroupV2: await isCgroupV2(),
  };
  await recover(runtime);
  await runtime.exits.start();
  const server = await serveCri(options.socketPath, criHandlers(runtime));
  logger.info('Served the container runtime', { socketPath: options.socketPath, podCidr });
  const stop = async (): Promise<void> => {
    await server.close();
    runtime.exits.stop();
    await host.close();
  };
  const stopped = new Promise<void>((resolve, reject) => {
    const begin = (): void => void stop().then(resolve, reject);
    if (options.signal.aborted) begin();
    else options.signal.addEventListener('abort', begin, { once: true });
  });
  return { stopped };
}

async function savedPodCidr(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text === '' ? undefined : (JSON.parse(text) as { podCidr?: string }).podCidr;
}

/** Only the pure version 2 has its files at the root of the mount. */
async function isCgroupV2(): Promise<boolean> {
  return access('/sys/fs/cgroup/cgroup.controllers').then(
    () => true,
    () => false,
  );
}
