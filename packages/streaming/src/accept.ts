import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream } from 'ws';
import type { PortForward, RemoteCommand, WantedStreams } from './session.ts';
import { spdyCommand, spdyCommandProtocols } from './spdy-command.ts';
import { spdyPortForward, spdyPortForwardProtocol } from './spdy-port-forward.ts';
import { headerValues, refuse, switchProtocols } from './upgrade.ts';
import { commandProtocols, webSocketCommand } from './websocket-command.ts';
import { acceptWebSocket } from './websocket-connection.ts';
import { portForwardChannelProtocol, webSocketPortForward } from './websocket-port-forward.ts';

const spdyUpgrade = 'SPDY/3.1';
/** SPDY inside of binary WebSocket messages, for proxies that pass only WebSockets. */
const tunnelProtocol = `${spdyUpgrade}+${spdyPortForwardProtocol}`;

/**
 * Accepts an exec or attach session: WebSocket channels or SPDY, whichever the client asks for. A
 * refused upgrade has been answered when this throws `UpgradeError`. The socket is owned from here on.
 */
export async function acceptRemoteCommand(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  wanted: WantedStreams,
): Promise<RemoteCommand> {
  socket.on('error', () => socket.destroy());
  if (isWebSocket(req)) return webSocketCommand(await acceptWebSocket(req, socket, head, commandProtocols), wanted);
  const protocol = switchToSpdy(req, socket, spdyCommandProtocols);
  return spdyCommand(socket, head, protocol, wanted);
}

/** Accepts a port-forward session; `ports` are those of the query, which only WebSocket channels use. */
export async function acceptPortForward(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  ports: readonly number[] = [],
): Promise<PortForward> {
  socket.on('error', () => socket.destroy());
  if (!isWebSocket(req)) {
    switchToSpdy(req, socket, [spdyPortForwardProtocol]);
    return spdyPortForward(socket, head);
  }
  const { webSocket, protocol } = await acceptWebSocket(
    req,
    socket,
    head,
    ports.length > 0 ? [tunnelProtocol, portForwardChannelProtocol] : [tunnelProtocol],
  );
  if (protocol !== tunnelProtocol) return webSocketPortForward(webSocket, ports);
  return spdyPortForward(createWebSocketStream(webSocket), Buffer.alloc(0));
}

function isWebSocket(req: IncomingMessage): boolean {
  return headerValues(req, 'upgrade').some((value) => value.toLowerCase() === 'websocket');
}

function switchToSpdy(req: IncomingMessage, socket: Duplex, protocols: readonly string[]): string {
  if (!headerValues(req, 'upgrade').some((value) => value.toUpperCase() === spdyUpgrade)) {
    throw refuse(socket, 400, `The connection can be upgraded to a WebSocket or ${spdyUpgrade} only`);
  }
  const offered = headerValues(req, 'x-stream-protocol-version');
  // The first protocol had no name; a client that offers none speaks it.
  const chosen = offered.length === 0 ? protocols[protocols.length - 1] : protocols.find((protocol) => offered.includes(protocol));
  if (chosen === undefined) throw refuse(socket, 403, `None of the offered protocols is known: ${offered.join(', ')}`);
  switchProtocols(socket, {
    Connection: 'Upgrade',
    Upgrade: spdyUpgrade,
    ...(offered.length > 0 ? { 'X-Stream-Protocol-Version': chosen } : {}),
  });
  return chosen;
}
