// Runs the network component on a fake API: one JSON command a line on stdin, one JSON answer a line on stdout.
import { createInterface } from 'node:readline';
import { resources } from '@bayplan/api';
import type { KubeObject, ResourceRef, WatchEvent } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import { createLogger, createMetricsRegistry, systemClock } from '@bayplan/component-base';
import { cleanupNetwork, startNetwork } from '../../src/index.ts';
import { createFakeInformers } from './fake-informers.ts';

export interface NetworkCommand {
  readonly do: 'put' | 'remove' | 'stop' | 'cleanup';
  readonly resource?: 'services' | 'endpointSlices' | 'nodes' | 'pods';
  readonly object?: KubeObject;
}

const [nodeIp = '', resolvConf = '', runDirectory = ''] = process.argv.slice(2);
const informers = createFakeInformers();
const logger = createLogger({ component: 'network', level: 'debug' });
const stopping = new AbortController();
const podEvents: WatchEvent[] = [];
let podArrived = (): void => undefined;
/** Takes what is created, and serves pods as a list and a watch. */
const client = {
  create: (_ref: unknown, object: unknown) => Promise.resolve(object),
  list: () => Promise.resolve({ metadata: { resourceVersion: '1' }, items: [] }),
  async *watch(_ref: unknown, { signal }: { signal?: AbortSignal } = {}) {
    signal?.addEventListener('abort', () => podArrived());
    while (signal?.aborted !== true) {
      const event = podEvents.shift();
      if (event !== undefined) yield event;
      else await new Promise<void>((resolve) => (podArrived = resolve));
    }
  },
} as unknown as Client;
const registry = createMetricsRegistry({ processMetrics: false });
const say = (message: unknown) => process.stdout.write(`${JSON.stringify(message)}\n`);
const network = startNetwork({
  client,
  informers,
  nodeName: 'node-a',
  nodeIp,
  resolvConf,
  runDirectory,
  clock: systemClock,
  logger,
  registry,
  signal: stopping.signal,
});

const syncs = async () =>
  (await registry.getSingleMetricAsString('kubeproxy_sync_proxy_rules_duration_seconds')).match(/_count (\d+)/)?.[1];

async function run(command: NetworkCommand): Promise<void> {
  if (command.do === 'stop') return network.stop();
  if (command.do === 'cleanup') return cleanupNetwork({ logger, runDirectory });
  if (command.resource === undefined || command.object === undefined) throw new Error('nothing to put');
  const before = await syncs();
  if (command.resource === 'pods') {
    podEvents.push({ type: command.do === 'put' ? 'ADDED' : 'DELETED', object: command.object });
    podArrived();
  } else informers.informer(resources[command.resource] as ResourceRef)[command.do](command.object);
  // The answer means: the rules have followed.
  while (command.resource !== 'nodes' && (await syncs()) === before) await systemClock.sleep(5);
}

network.ready.then(
  () => say({ ready: true }),
  (error: unknown) => say({ error: String(error) }),
);
for await (const line of createInterface({ input: process.stdin })) {
  await run(JSON.parse(line) as NetworkCommand).then(
    () => say({ done: true }),
    (error: unknown) => say({ error: String(error) }),
  );
}
await network.stop();
