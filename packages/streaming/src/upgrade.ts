import { STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** The upgrade was refused: `statusCode` and `message` were already sent to the client. */
export class UpgradeError extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.name = 'UpgradeError';
    this.statusCode = statusCode;
  }
}

/** Answers an upgrade request with a plain HTTP error and closes the connection. */
export function rejectUpgrade(socket: Duplex, statusCode: number, message: string, contentType = 'text/plain; charset=utf-8'): void {
  const body = Buffer.from(message);
  socket.on('error', () => socket.destroy());
  socket.end(
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? 'Error'}\r\nContent-Type: ${contentType}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
      ),
      body,
    ]),
  );
}

/** Sends the refusal and returns the error to throw. */
export function refuse(socket: Duplex, statusCode: number, message: string): UpgradeError {
  rejectUpgrade(socket, statusCode, message);
  return new UpgradeError(statusCode, message);
}

/** The comma-separated values of a header, trimmed, in order; a header given twice counts as joined. */
export function headerValues(req: IncomingMessage, name: string): string[] {
  const value = req.headers[name];
  const joined = Array.isArray(value) ? value.join(',') : (value ?? '');
  return joined
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Writes the `101 Switching Protocols` answer. */
export function switchProtocols(socket: Duplex, headers: Readonly<Record<string, string>>): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
}
