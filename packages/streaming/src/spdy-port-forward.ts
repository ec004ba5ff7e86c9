import type { Duplex } from 'node:stream';
import { ConnectionQueue } from './connection-queue.ts';
import type { PortForward } from './session.ts';
import { SpdySession } from './spdy/session.ts';
import type { SpdyStream } from './spdy/session.ts';

export const spdyPortForwardProtocol = 'portforward.k8s.io';

/** The second stream of a pair follows the first closely. */
const pairTimeoutMs = 30_000;

/** Forwards connections that arrive as pairs of streams, bytes and errors, joined by a request id. */
export function spdyPortForward(connection: Duplex, head: Buffer): PortForward {
  const queue = new ConnectionQueue();
  const halves = new Map<string, { stream: SpdyStream; timer: NodeJS.Timeout }>();
  const session = new SpdySession(connection, head, (stream) => {
    const { streamtype: type = '', port = '', requestid = '' } = stream.headers;
    const number = Number(port);
    if ((type !== 'data' && type !== 'error') || !Number.isInteger(number) || number < 1 || number > 65_535) {
      stream.destroy();
      return;
    }
    // Clients older than request ids open the error stream right before the data stream.
    const key = requestid || `stream-${type === 'error' ? stream.id : stream.id - 2}`;
    const other = halves.get(key);
    if (other === undefined) {
      const timer = setTimeout(() => {
        halves.delete(key);
        stream.destroy();
      }, pairTimeoutMs);
      halves.set(key, { stream, timer });
      return;
    }
    halves.delete(key);
    clearTimeout(other.timer);
    const [data, error] = type === 'data' ? [stream, other.stream] : [other.stream, stream];
    error.resume();
    // kubectl closes its end of a connection only after the error stream has ended, so that must not wait for it.
    const endErrors = (): void => void (error.writableEnded || error.end());
    data.once('finish', endErrors);
    data.once('close', endErrors);
    queue.push({
      port: number,
      data,
      fail(message) {
        error.end(message);
        data.end();
        data.resume();
      },
    });
  });
  session.closed.addEventListener('abort', () => {
    for (const { timer } of halves.values()) clearTimeout(timer);
    queue.end();
  });
  return { connections: queue, closed: session.closed, close: () => void session.end() };
}
