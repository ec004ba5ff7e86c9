import { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { ConnectionQueue } from './connection-queue.ts';
import type { PortForward } from './session.ts';
import { closeWebSocket, sendMessage } from './websocket-connection.ts';

/** The subprotocol that has two channels per port: bytes, and a reason of failure. */
export const portForwardChannelProtocol = 'v4.channel.k8s.io';

/**
 * Forwards the ports named in the request's query, one connection each. Every channel starts with
 * the port's number, little endian, from the server.
 */
export function webSocketPortForward(webSocket: WebSocket, ports: readonly number[]): PortForward {
  const queue = new ConnectionQueue();
  const gone = new AbortController();
  const data = ports.map((port, index) => {
    const [dataChannel, errorChannel] = [index * 2, index * 2 + 1];
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    const send = (channel: number, bytes: Uint8Array): Promise<void> => sendMessage(webSocket, Buffer.concat([Buffer.of(channel), bytes]));
    const greeted = Promise.all([send(dataChannel, number), send(errorChannel, number)]);
    const stream = new Duplex({
      read: () => webSocket.resume(),
      write: (chunk: Buffer, _encoding, done) => greeted.then(() => send(dataChannel, chunk)).then(() => done(), done),
    });
    stream.on('error', () => stream.destroy());
    queue.push({
      port,
      data: stream,
      fail(message) {
        greeted.then(() => send(errorChannel, Buffer.from(message))).catch(() => webSocket.terminate());
        stream.destroy();
      },
    });
    return stream;
  });
  webSocket.on('message', (raw: RawData) => {
    const message = raw as Buffer;
    const channel = message[0] ?? 0;
    const stream = channel % 2 === 0 ? data[channel / 2] : undefined;
    if (message.length > 1 && stream && !stream.destroyed && !stream.push(message.subarray(1))) webSocket.pause();
  });
  webSocket.on('error', () => webSocket.terminate());
  webSocket.on('close', () => {
    for (const stream of data) stream.push(null);
    queue.end();
    gone.abort(new Error('The client closed the connection'));
  });
  return { connections: queue, closed: gone.signal, close: () => void closeWebSocket(webSocket) };
}
