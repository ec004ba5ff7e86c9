import http from 'node:http';
import type { Duplex } from 'node:stream';
import { controlFrame, dataFrame, FrameReader, frameTypes, words } from '../../src/spdy/frame.ts';
import { HeaderDecoder, HeaderEncoder } from '../../src/spdy/header-block.ts';

/** A small SPDY client: opens streams, sends data, collects what comes per stream. */
export class SpdyClient {
  readonly received = new Map<number, string>();
  readonly finished = new Set<number>();
  readonly replies: number[] = [];
  readonly windowUpdates: number[] = [];
  ended = false;
  readonly #connection: Duplex;
  readonly #encoder = new HeaderEncoder();
  readonly #decoder = new HeaderDecoder();
  #nextId = 1;

  constructor(connection: Duplex, head: Uint8Array = new Uint8Array(0)) {
    this.#connection = connection;
    const reader = new FrameReader();
    const take = (chunk: Buffer): void => {
      for (const frame of reader.add(chunk)) {
        if (frame.kind === 'data') {
          this.received.set(frame.streamId, (this.received.get(frame.streamId) ?? '') + frame.payload.toString());
          if (frame.fin) this.finished.add(frame.streamId);
        } else if (frame.type === frameTypes.synReply) {
          this.replies.push(frame.payload.readUInt32BE(0));
          void this.#decoder.decode(frame.payload.subarray(4));
        } else if (frame.type === frameTypes.windowUpdate) this.windowUpdates.push(frame.payload.readUInt32BE(4));
      }
    };
    if (head.length > 0) take(Buffer.from(head));
    connection.on('data', take);
    connection.on('error', () => undefined);
    connection.on('end', () => {
      this.ended = true;
      connection.end();
    });
  }

  async open(headers: Record<string, string>, fin = false): Promise<number> {
    const id = this.#nextId;
    this.#nextId += 2;
    const payload = Buffer.concat([words(id, 0), Buffer.alloc(2), await this.#encoder.encode(headers)]);
    this.#connection.write(controlFrame(frameTypes.synStream, fin ? 1 : 0, payload));
    return id;
  }

  send(id: number, text: string, fin = false): void {
    this.#connection.write(dataFrame(id, Buffer.from(text), fin));
  }

  widen(id: number, bytes: number): void {
    this.#connection.write(controlFrame(frameTypes.windowUpdate, 0, words(id, bytes)));
  }

  close(): void {
    this.#connection.end();
  }
}

/** Makes an upgrade request; resolves with the status, headers and the open connection. */
export function requestUpgrade(
  port: number,
  path: string,
  headers: Record<string, string>,
): Promise<{ statusCode: number; headers: http.IncomingHttpHeaders; socket: Duplex; head: Buffer; body: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request({
      port,
      host: '127.0.0.1',
      path,
      method: headers['Upgrade'] === 'websocket' ? 'GET' : 'POST',
      headers: { Connection: 'Upgrade', ...headers },
    });
    request.on('error', reject);
    request.on('upgrade', (response, socket, head) =>
      resolve({ statusCode: response.statusCode ?? 0, headers: response.headers, socket, head, body: '' }),
    );
    request.on('response', (response) => {
      let body = '';
      response.on('data', (chunk) => (body += String(chunk)));
      response.on('end', () =>
        resolve({ statusCode: response.statusCode ?? 0, headers: response.headers, socket: response.socket, head: Buffer.alloc(0), body }),
      );
    });
    request.end();
  });
}
