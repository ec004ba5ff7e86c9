import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { headerValues, refuse } from './upgrade.ts';

/** Longer messages than any client sends: kubectl's are at most 32 KiB. */
const maxMessageBytes = 16 * 1024 * 1024;
/** How long a client may take to answer the closing handshake. */
const closePatienceMs = 5_000;

const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: maxMessageBytes, clientTracking: false });

/** The protocol chosen for a request whose handshake is under way. */
const chosenProtocols = new WeakMap<IncomingMessage, string>();
server.on('headers', (headers: string[], req) => {
  const chosen = chosenProtocols.get(req);
  if (chosen !== undefined) headers.push(`Sec-WebSocket-Protocol: ${chosen}`);
});

export interface AcceptedWebSocket {
  readonly webSocket: WebSocket;
  readonly protocol: string;
}

/** Completes a WebSocket handshake with the first of our protocols that the client offers; refuses if there is none. */
export function acceptWebSocket(
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocols: readonly string[],
): Promise<AcceptedWebSocket> {
  const offered = headerValues(req, 'sec-websocket-protocol');
  const chosen = protocols.find((protocol) => offered.includes(protocol));
  if (chosen === undefined) {
    throw refuse(
      socket,
      400,
      `None of the offered subprotocols is known: ${offered.join(', ') || '(none)'}; known are ${protocols.join(', ')}`,
    );
  }
  // ws refuses names with a slash, as `SPDY/3.1+…` has, so the negotiation is kept from it.
  delete req.headers['sec-websocket-protocol'];
  chosenProtocols.set(req, chosen);
  return new Promise((resolve, reject) => {
    socket.once('close', () => reject(new Error('The client went away during the handshake')));
    server.handleUpgrade(req, socket, head, (webSocket) => resolve({ webSocket, protocol: chosen }));
  });
}

/** Sends one binary message; resolves when it was handed to the network. */
export function sendMessage(webSocket: WebSocket, data: Buffer | string): Promise<void> {
  return new Promise((resolve, reject) => {
    webSocket.send(data, { binary: typeof data !== 'string' }, (error) => (error ? reject(error) : resolve()));
  });
}

/** Closes with the handshake; cuts the connection when the client does not answer in time. */
export function closeWebSocket(webSocket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    if (webSocket.readyState === webSocket.CLOSED) {
      resolve();
      return;
    }
    const timer = setTimeout(() => webSocket.terminate(), closePatienceMs);
    webSocket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    // Paused, it would never see the client's answer.
    webSocket.resume();
    webSocket.close(1000);
  });
}
