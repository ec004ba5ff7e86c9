import type { MetricsRegistry } from '@bayplan/component-base';
import type { PodContext } from '../pods/pod-context.ts';
import type { PodManager } from '../pods/pod-manager.ts';
import { logHandler } from './log-handler.ts';
import type { PodLookup } from './log-handler.ts';
import { NodeApiError, sendJson, sendText } from './node-api.ts';
import type { Handler, NodeApiRoutes } from './node-api.ts';
import { statsHandlers } from './stats-handlers.ts';
import { tunnelHandler } from './tunnel-handler.ts';
import { streamHandlers } from './stream-handlers.ts';

const needsUpgrade: Handler = () => Promise.reject(new NodeApiError(400, 'Upgrade request required'));

/** Everything that the node API serves. */
export function nodeApiRoutes(parts: {
  readonly context: PodContext;
  readonly manager: PodManager;
  readonly registry: MetricsRegistry;
}): NodeApiRoutes {
  const { context, manager, registry } = parts;
  const pods: PodLookup = {
    find: (namespace, name) => manager.find(namespace, name),
  };
  const stats = statsHandlers(context, registry);
  return {
    plain: {
      async healthz(_request, response) {
        sendText(response, 200, 'ok');
        return Promise.resolve();
      },
      async pods(_request, response) {
        sendJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: manager.pods });
        return Promise.resolve();
      },
      exec: needsUpgrade,
      attach: needsUpgrade,
      portForward: needsUpgrade,
      containerLogs: logHandler(pods, context.runtime, context.podLogsDir, context.clock),
      metrics: stats.metrics,
      stats: stats.summary,
    },
    upgrade: streamHandlers(pods, context.runtime),
    tunnel: tunnelHandler(() => manager.pods),
  };
}
