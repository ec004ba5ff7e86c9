import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { RpcError } from '@bayplan/rpc';
import type { Logger } from '@bayplan/component-base';
import { rejectUpgrade, UpgradeError } from '@bayplan/streaming';

/** Runs one session on an upgraded connection; resolves when it is over. */
export type SessionHandler = (req: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>;

/** An agent uses the URL at once; one that is not used by then never will be. */
const tokenLifeMs = 60_000;
const maxWaiting = 1_000;

/**
 * Serves the URLs that Exec, Attach and PortForward return: on loopback only, each URL good for one
 * session. Listens from the first session on.
 */
export class StreamingServer {
  readonly #logger: Logger;
  readonly #waiting = new Map<string, { handler: SessionHandler; timer: NodeJS.Timeout }>();
  readonly #sockets = new Set<Duplex>();
  #server: http.Server | undefined;
  #listening: Promise<number> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** A URL at which the next session runs by `handler`. */
  async offer(kind: string, handler: SessionHandler): Promise<string> {
    if (this.#waiting.size >= maxWaiting) throw new RpcError('RESOURCE_EXHAUSTED', 'Too many sessions wait for their client');
    const port = await (this.#listening ??= this.#listen());
    const token = randomBytes(16).toString('hex');
    const timer = setTimeout(() => this.#waiting.delete(token), tokenLifeMs);
    timer.unref();
    this.#waiting.set(token, { handler, timer });
    return `http://127.0.0.1:${port}/${kind}/${token}`;
  }

  async close(): Promise<void> {
    const server = this.#server;
    for (const socket of this.#sockets) socket.destroy();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  #listen(): Promise<number> {
    const server = http.createServer((_req, res) => {
      res.writeHead(400, { 'Content-Type': 'text/plain' }).end('The connection must be upgraded\n');
    });
    this.#server = server;
    server.on('upgrade', (req, socket, head) => void this.#accept(req, socket, head));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    });
  }

  async #accept(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const token = /^\/[a-z]+\/([0-9a-f]{32})(?:\?|$)/.exec(req.url ?? '')?.[1] ?? '';
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) {
      rejectUpgrade(socket, 404, 'There is no such session, or it was used already\n');
      return;
    }
    this.#waiting.delete(token);
    clearTimeout(waiting.timer);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    try {
      await waiting.handler(req, socket, head);
    } catch (err) {
      if (!(err instanceof UpgradeError)) this.#logger.warn('Broke off a streaming session', { err });
      socket.destroy();
    }
  }
}
