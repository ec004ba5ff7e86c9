import { access, readFile } from 'node:fs/promises';
import type { Clock, Logger } from '@bayplan/component-base';
import { createRoutedNetwork } from '@bayplan/pod-network';
import { handleExit } from './container-lifecycle.ts';
import { EventHub } from './event-hub.ts';
import { Exits } from './exits.ts';
import { findProgram } from './host/find-program.ts';
import { createLinuxHost } from './host/linux-host.ts';
import { ImageStore } from './images/image-store.ts';
import { LayerStore } from './images/layer-store.ts';
import { KeyedLock } from './keyed-lock.ts';
import { layoutOf, prepareFolders } from './layout.ts';
import type { Runtime } from './runtime.ts';
import { RecordStore } from './state/record-store.ts';
import type { StreamingServer } from './streams/streaming-server.ts';
import { UsageRates } from './usage-rates.ts';

export interface RuntimeOptions {
  readonly home: string;
  readonly runRoot?: string;
  readonly podCidr?: string;
  readonly handlers?: Readonly<Record<string, string>>;
  readonly insecureRegistries?: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Puts a runtime together over a home folder; loads no records and changes nothing on the machine yet. */
export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { logger, clock } = options;
  const layout = layoutOf(options.home, options.runRoot);
  await prepareFolders(layout);
  const host = createLinuxHost(layout.sockets);
  const podCidr = (await savedPodCidr(layout.networkConfig)) ?? options.podCidr;
  const network = await createRoutedNetwork({
    stateFolder: layout.addresses,
    commands: host,
    ...(podCidr === undefined ? {} : { podCidr }),
  });
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
    streaming: lazyStreaming(logger),
    rates: new UsageRates(),
    handlers: await findHandlers(options.handlers ?? {}),
    insecureRegistries: options.insecureRegistries ?? [],
    cgroupV2: await isCgroupV2(),
  };
  return runtime;
}

/** The module behind it, with all of HTTP, is loaded for the first session. */
function lazyStreaming(logger: Logger): Runtime['streaming'] {
  let server: Promise<StreamingServer> | undefined;
  return {
    offer: async (kind, handler) => {
      server ??= import('./streams/streaming-server.ts').then((module) => new module.StreamingServer(logger));
      return (await server).offer(kind, handler);
    },
    close: async () => (await server)?.close(),
  };
}

/** Conmon wants absolute paths. */
async function findHandlers(named: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const entries = Object.entries({ '': 'runc', runc: 'runc', ...named });
  return Object.fromEntries(await Promise.all(entries.map(async ([name, program]) => [name, await findProgram(program)] as const)));
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
