import { createClient } from '@bayplan/client';
import type { Transport } from '@bayplan/client';
import type { ServerParts } from '../server-parts.ts';
import { publishClusterInfo } from './cluster-info.ts';
import { ensureFlowControl, maintainFlowControl } from '../flowcontrol/maintenance.ts';
import { startEventExpiry } from './event-expiry.ts';
import { ensureObjects } from './objects.ts';
import { publishAddress } from './published-address.ts';
import { publishFrontProxy } from './front-proxy.ts';
import { ensureRoles } from './rbac.ts';

/** Work that goes on while the server lives. */
export interface Maintenance {
  /** The server answers on `port` from now on: keeps the `kubernetes` Service's endpoints true. */
  published(port: number): Promise<void>;
  stop(): Promise<void>;
}

/** Writes what every cluster has from its first moment. */
export async function bootstrap(parts: ServerParts, transport: Transport): Promise<Maintenance> {
  const client = createClient(transport);
  await ensureRoles(client);
  await ensureObjects(client, parts.settings);
  await publishFrontProxy(client, parts.options.keys);
  parts.extensions.start(client);
  parts.aggregator.start(client);
  await ensureFlowControl(client);
  await parts.flows.start();
  const stopping = new AbortController();
  const flows = maintainFlowControl(client, parts.options.clock, parts.options.logger, stopping.signal);
  const stopExpiry = startEventExpiry(parts);
  let unpublish: (() => Promise<void>) | undefined;
  return {
    async published(port) {
      unpublish = await publishAddress(client, parts, port);
      await publishClusterInfo(client, parts, port);
    },
    async stop() {
      await parts.aggregator.stop();
      await parts.extensions.stop();
      stopping.abort(new Error('the API server stops'));
      await flows;
      await stopExpiry();
      await unpublish?.();
      await transport.close();
    },
  };
}
