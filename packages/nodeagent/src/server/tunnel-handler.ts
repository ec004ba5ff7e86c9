import type { Pod } from '@bayplan/api';
import { joinStreams } from '@bayplan/streaming';
import { connect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { NodeApiError } from './node-api.ts';
import type { TunnelHandler } from './node-api.ts';

const connectTimeoutMs = 10_000;

/**
 * CONNECT `ADDRESS:PORT`: a way to the pods of this node for an API server whose host has no route to them. Only
 * addresses of pods in their own network namespace are dialled, so that nothing of the host or beyond it is in reach.
 */
export function tunnelHandler(pods: () => Iterable<Pod>): TunnelHandler {
  return async (authority, socket, head, signal) => {
    const { host, port } = parseAuthority(authority);
    if (!isPodAddress(pods(), host)) throw new NodeApiError(403, `${host} is not the address of a pod of this node`);
    const pod = await dial(host, port, signal);
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (head.length > 0) pod.write(head);
    await joinStreams(socket, pod, signal);
  };
}

/** Reads `10.1.2.3:80` or `[fd00::1]:80`. Throws for names: the caller has resolved them. */
function parseAuthority(authority: string): { readonly host: string; readonly port: number } {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(authority);
  const host = found?.[1] ?? found?.[2] ?? '';
  const port = Number(found?.[3]);
  if (isIP(host) === 0 || !(port > 0 && port < 65_536)) throw new NodeApiError(400, 'CONNECT wants an address and a port');
  return { host, port };
}

function isPodAddress(pods: Iterable<Pod>, host: string): boolean {
  for (const { spec, status } of pods) {
    if (spec?.hostNetwork === true) continue;
    if (status?.podIP === host || (status?.podIPs ?? []).some(({ ip }) => ip === host)) return true;
  }
  return false;
}

function dial(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    const fail = (error: Error): void => reject(new NodeApiError(502, error.message, { cause: error }));
    socket.once('error', fail);
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error(`dial tcp ${host}:${port.toString()}: i/o timeout`)));
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}
