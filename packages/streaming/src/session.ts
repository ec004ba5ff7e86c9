import type { Duplex, Readable, Writable } from 'node:stream';

/** Which streams of a process a client asked for. With `tty`, stderr is part of stdout. */
export interface WantedStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Columns and rows of the client's terminal. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** How a remote command ended: by itself, or because it could not be run (attached to, watched). */
export type CommandEnd = { readonly exitCode: number } | { readonly error: string };

/**
 * The server's end of an exec or attach session, whatever protocol carries it.
 * Lifecycle: use the streams, then call `finish` once; `closed` aborts when the client goes away first.
 */
export interface RemoteCommand {
  /** Bytes from the client; ends when the client closes its stdin. Undefined unless asked for. */
  readonly stdin: Readable | undefined;
  /** Bytes to the client; writes honour back-pressure. Undefined unless asked for. */
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  /** Calls `listener` with every size the client sends, the latest known one included. */
  onResize(listener: (size: TerminalSize) => void): void;
  /** Aborted when the client's connection ends. */
  readonly closed: AbortSignal;
  /** Flushes the streams, reports the end the way the protocol does and closes the connection. */
  finish(end: CommandEnd): Promise<void>;
}

/** One forwarded connection: bytes both ways and a place for the reason of a failure. */
export interface ForwardedConnection {
  readonly port: number;
  readonly data: Duplex;
  /** Tells the client why the port could not be reached, then closes this connection only. */
  fail(message: string): void;
}

/** The server's end of a port-forward session. */
export interface PortForward {
  /** Every connection the client opens, in order; ends when the session closes. */
  readonly connections: AsyncIterable<ForwardedConnection>;
  readonly closed: AbortSignal;
  close(): void;
}
