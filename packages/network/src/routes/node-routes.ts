import { resources } from '@bayplan/api';
import type { Node } from '@bayplan/api';
import type { Clock, Logger } from '@bayplan/component-base';
import type { InformerFactory } from '@bayplan/client';
import type { CommandShell } from '../host/command-shell.ts';
import { isIpv4, isIpv4Cidr } from '../ipv4.ts';

/** Marks our routes for `ip route show proto 98`, so that they can be told from everybody else's. */
export const routeProtocol = '98';

/** Where another node's pods are: their range and the node to send it to. */
export interface NodeRoute {
  readonly cidr: string;
  readonly gateway: string;
}

/** The routes to all nodes but this one, for nodes that share a link with it. */
export function routesOf(nodes: readonly Node[], ownName: string): NodeRoute[] {
  return nodes
    .filter((node) => node.metadata.name !== ownName && node.metadata.deletionTimestamp === undefined)
    .flatMap((node) => {
      const gateway = node.status?.addresses?.find((address) => address.type === 'InternalIP' && isIpv4(address.address))?.address;
      const cidrs = node.spec?.podCIDRs ?? (node.spec?.podCIDR ? [node.spec.podCIDR] : []);
      return gateway === undefined ? [] : cidrs.filter(isIpv4Cidr).map((cidr) => ({ cidr, gateway }));
    })
    .sort((left, right) => (left.cidr < right.cidr ? -1 : 1));
}

/** `ip route` arguments that turn the routes that exist into those wanted. */
export function routeChanges(existing: readonly NodeRoute[], wanted: readonly NodeRoute[]): string[][] {
  const key = (route: NodeRoute) => `${route.cidr} ${route.gateway}`;
  const have = new Set(existing.map(key));
  const cidrs = new Set(wanted.map((route) => route.cidr));
  return [
    ...existing
      .filter((route) => !cidrs.has(route.cidr))
      .map((route) => ['ip', 'route', 'del', route.cidr, 'via', route.gateway, 'proto', routeProtocol]),
    ...wanted
      .filter((route) => !have.has(key(route)))
      .map((route) => ['ip', 'route', 'replace', route.cidr, 'via', route.gateway, 'proto', routeProtocol]),
  ];
}

/** Reads `ip route show proto 98`. */
export function parseRoutes(output: string): NodeRoute[] {
  return output.split('\n').flatMap((line) => {
    const match = /^(\S+) via (\S+)/.exec(line);
    return match?.[1] !== undefined && match[2] !== undefined ? [{ cidr: match[1], gateway: match[2] }] : [];
  });
}

const settleMs = 200;
const retryMs = 5000;

/**
 * Keeps a route to every other node's pods, straight through that node's address (host gateway). A
 * node on another link cannot be reached so: its route fails and is logged. Resolves when the signal aborts.
 */
export async function runNodeRoutes(options: {
  readonly informers: InformerFactory;
  readonly nodeName: string;
  readonly shell: CommandShell;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { signal, clock, logger, shell } = options;
  const nodes = options.informers.informer<Node>(resources.nodes);
  let dirty = true;
  let wake = (): void => undefined;
  const touch = (): void => {
    dirty = true;
    wake();
  };
  const signature = (node: Node) => JSON.stringify(routesOf([node], ''));
  const off = nodes.addHandlers({
    onAdd: touch,
    onUpdate: (node, previous) => {
      // A node reports its status every few seconds; its addresses hardly ever change.
      if (signature(node) !== signature(previous)) touch();
    },
    onDelete: touch,
  });
  const stop = (): void => wake();
  signal.addEventListener('abort', stop);
  try {
    while (!signal.aborted) {
      if (!dirty || !nodes.hasSynced) await new Promise<void>((resolve) => (signal.aborted ? resolve() : (wake = resolve)));
      await clock.sleep(settleMs, signal).catch(() => undefined);
      if (signal.aborted || !nodes.hasSynced) continue;
      dirty = false;
      const failed = await applyRoutes(shell, routesOf(nodes.lister.list(), options.nodeName));
      if (failed.length > 0) {
        logger.warn('Could not set routes to other nodes', { failed });
        clock.after(retryMs, touch, { unref: true });
      }
    }
  } finally {
    signal.removeEventListener('abort', stop);
    off();
  }
}

async function applyRoutes(shell: CommandShell, wanted: readonly NodeRoute[]): Promise<string[]> {
  try {
    const shown = await shell.run(['ip', '-4', 'route', 'show', 'proto', routeProtocol]);
    const failed: string[] = [];
    for (const command of routeChanges(parseRoutes(shown.output), wanted)) {
      const { exitCode, output } = await shell.run(command);
      if (exitCode !== 0) failed.push(`${command.join(' ')}: ${output.trim()}`);
    }
    return failed;
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
