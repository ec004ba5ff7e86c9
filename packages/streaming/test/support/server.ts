import http from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

export interface TestServer {
  readonly port: number;
  readonly errors: unknown[];
  close(): Promise<void>;
}

/** An HTTP server that passes upgrades to `handle`. */
export async function upgradeServer(handle: (req: IncomingMessage, socket: Duplex, head: Buffer) => Promise<unknown>): Promise<TestServer> {
  const errors: unknown[] = [];
  const sockets = new Set<Duplex>();
  const server = http.createServer();
  server.on('upgrade', (req, socket, head) => {
    sockets.add(socket);
    handle(req, socket, head).catch((error: unknown) => errors.push(error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    errors,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Polls a condition of the test until it holds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`Never came true: ${condition.toString()}`);
}
