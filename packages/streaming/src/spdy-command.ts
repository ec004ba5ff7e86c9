import type { Duplex } from 'node:stream';
import { endStatus, endText } from './end-status.ts';
import { ResizeEvents } from './resize-events.ts';
import type { CommandEnd, RemoteCommand, WantedStreams } from './session.ts';
import { SpdySession } from './spdy/session.ts';
import type { SpdyStream } from './spdy/session.ts';

/** Versions of the exec and attach protocol over SPDY, best first. */
export const spdyCommandProtocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'] as const;

/** A client opens all its streams at once; one that does not is broken. */
const streamsTimeoutMs = 30_000;

/** Waits until the client has opened the streams that it asked for, then gives them their roles. */
export async function spdyCommand(connection: Duplex, head: Buffer, protocol: string, wanted: WantedStreams): Promise<RemoteCommand> {
  const resize = new ResizeEvents();
  const names = [
    'error',
    ...(wanted.stdin ? ['stdin'] : []),
    ...(wanted.stdout ? ['stdout'] : []),
    ...(wanted.stderr && !wanted.tty ? ['stderr'] : []),
    ...(wanted.tty && /^v[34]\./.test(protocol) ? ['resize'] : []),
  ];
  const { session, streams } = await openedStreams(connection, head, names);
  streams.get('resize')?.on('data', (chunk: Buffer) => resize.bytes(chunk));
  const stdout = streams.get('stdout');
  const stderr = streams.get('stderr');
  const error = streams.get('error');
  return {
    stdin: streams.get('stdin'),
    stdout,
    stderr,
    closed: session.closed,
    onResize: (listener) => resize.listen(listener),
    async finish(end: CommandEnd) {
      await Promise.all([stdout, stderr].map((stream) => ended(stream)));
      await ended(error, protocol.startsWith('v4.') ? endStatus(end) : endText(end));
      await session.end();
    },
  };
}

function openedStreams(
  connection: Duplex,
  head: Buffer,
  names: readonly string[],
): Promise<{ session: SpdySession; streams: Map<string, SpdyStream> }> {
  return new Promise((resolve, reject) => {
    const streams = new Map<string, SpdyStream>();
    const session = new SpdySession(connection, head, (stream) => {
      const name = stream.headers['streamtype'] ?? '';
      if (!names.includes(name) || streams.has(name)) {
        stream.destroy();
        return;
      }
      streams.set(name, stream);
      if (streams.size < names.length) return;
      clearTimeout(timer);
      session.closed.removeEventListener('abort', gone);
      resolve({ session, streams });
    });
    const gone = (): void => {
      clearTimeout(timer);
      reject(new Error('The client closed the connection before its streams were open'));
    };
    const timer = setTimeout(() => connection.destroy(), streamsTimeoutMs);
    session.closed.addEventListener('abort', gone, { once: true });
  });
}

function ended(stream: SpdyStream | undefined, last = ''): Promise<void> {
  if (stream === undefined || stream.destroyed || stream.writableFinished) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('finish', () => resolve());
    stream.once('close', () => resolve());
    if (!stream.writableEnded) stream.end(last);
  });
}
