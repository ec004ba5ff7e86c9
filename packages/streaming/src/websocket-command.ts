import { Readable, Writable } from 'node:stream';
import type { RawData } from 'ws';
import { endStatus, endText } from './end-status.ts';
import { ResizeEvents } from './resize-events.ts';
import type { CommandEnd, RemoteCommand, WantedStreams } from './session.ts';
import { closeWebSocket, sendMessage } from './websocket-connection.ts';
import type { AcceptedWebSocket } from './websocket-connection.ts';

/** Subprotocols for exec and attach, best first. `base64` ones carry text frames with encoded bytes. */
export const commandProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
] as const;

/** The first byte of every message names its channel. */
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Runs a command's streams over the channels of a WebSocket. */
export function webSocketCommand({ webSocket, protocol }: AcceptedWebSocket, wanted: WantedStreams): RemoteCommand {
  const base64 = protocol.includes('base64');
  const gone = new AbortController();
  const resize = new ResizeEvents();
  const frame = (channel: number, data: Uint8Array): Buffer | string =>
    base64 ? `${channel}${Buffer.from(data).toString('base64')}` : Buffer.concat([Buffer.of(channel), data]);

  let stdinEnded = false;
  const stdin = wanted.stdin ? new Readable({ read: () => webSocket.resume() }) : undefined;
  // What is sent after the end of the input fails the stream, which must not fail the process.
  stdin?.on('error', () => stdin.destroy());
  const receive = (channel: number, data: Buffer): void => {
    if (channel === channels.stdin && data.length > 0) {
      if (stdinEnded) return;
      if (stdin?.push(data) === false) webSocket.pause();
    } else if (channel === channels.resize) resize.message(data.toString());
    else if (channel === channels.close && data[0] === channels.stdin) {
      stdinEnded = true;
      stdin?.push(null);
    }
  };
  webSocket.on('message', (raw: RawData) => {
    const message = raw as Buffer;
    if (message.length === 0) return;
    if (base64) receive(Number(message.subarray(0, 1).toString()), Buffer.from(message.subarray(1).toString(), 'base64'));
    else receive(message[0] ?? 0, message.subarray(1));
  });
  // `close` follows every error and is where the session ends.
  webSocket.on('error', () => webSocket.terminate());
  webSocket.on('close', () => {
    stdin?.push(null);
    gone.abort(new Error('The client closed the connection'));
  });

  const output = (channel: number): Writable => {
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => sendMessage(webSocket, frame(channel, chunk)).then(() => done(), done),
    });
    // A write after the client left fails; `closed` already tells.
    stream.on('error', () => stream.destroy());
    return stream;
  };
  const stdout = wanted.stdout ? output(channels.stdout) : undefined;
  const stderr = wanted.stderr && !wanted.tty ? output(channels.stderr) : undefined;
  // Clients take the first message, however empty, as the sign that the command's streams exist.
  const first = stdout ? channels.stdout : stderr ? channels.stderr : channels.error;
  webSocket.send(frame(first, new Uint8Array()));

  return {
    stdin,
    stdout,
    stderr,
    closed: gone.signal,
    onResize: (listener) => resize.listen(listener),
    async finish(end: CommandEnd) {
      await Promise.all([stdout, stderr].map(flushed));
      const text = /^v[45]\./.test(protocol) ? endStatus(end) : endText(end);
      if (text !== '') await sendMessage(webSocket, frame(channels.error, Buffer.from(text))).catch(() => webSocket.terminate());
      await closeWebSocket(webSocket);
    },
  };
}

/** Ends a stream and waits until all of it was written or it broke. */
function flushed(stream: Writable | undefined): Promise<void> {
  if (stream === undefined || stream.destroyed || stream.writableFinished) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('close', () => resolve());
    stream.end();
  });
}
