import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';

/** TLS for HTTP/1.1 over a connection that is already there. Rejects when the handshake fails. */
export function secured(socket: Duplex, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const tls = connect({ socket, ALPNProtocols: ['http/1.1'], ...options });
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    tls.once('error', fail);
    tls.once('secureConnect', () => {
      tls.off('error', fail);
      // Whoever takes the connection over learns of errors by its end; nobody else is there to hear of them.
      tls.on('error', () => tls.destroy());
      resolve(tls);
    });
  });
}
