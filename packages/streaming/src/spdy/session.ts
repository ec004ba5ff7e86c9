import { Duplex } from 'node:stream';
import { controlFrame, dataFrame, flagFin, FrameReader, frameTypes, words } from './frame.ts';
import type { Frame } from './frame.ts';
import { HeaderDecoder, HeaderEncoder } from './header-block.ts';
import type { SpdyHeaders } from './header-block.ts';

const initialWindowBytes = 64 * 1024;
/** Consumed bytes are announced in portions of this size. */
const windowPortionBytes = initialWindowBytes / 2;
/** Data frames are kept small, so that no stream holds up the others for long. */
const maxDataBytes = 32 * 1024;
const rstProtocolError = 1;
const rstCancel = 5;
/** After our end of the connection closed, the peer may take this long to close its own. */
const closePatienceMs = 5_000;

/** One stream of a session: bytes both ways, closed in each direction on its own. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: SpdyHeaders;
  readonly #session: SpdySession;
  #unannounced = 0;
  /** Bytes the peer still accepts; only meaningful for peers that use flow control. */
  sendWindow = initialWindowBytes;
  wakeWriter: () => void = () => undefined;

  constructor(session: SpdySession, id: number, headers: SpdyHeaders) {
    super({ allowHalfOpen: true });
    this.#session = session;
    this.id = id;
    this.headers = headers;
    this.on('error', () => this.destroy());
  }

  /** Takes bytes from the peer. */
  receive(payload: Buffer): void {
    this.#unannounced += payload.length;
    if (this.push(payload)) this.#announce();
  }

  override _read(): void {
    this.#announce();
  }

  #announce(): void {
    if (this.#unannounced < windowPortionBytes) return;
    this.#session.consumed(this.id, this.#unannounced);
    this.#unannounced = 0;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#session.sendData(this, chunk).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#session.send(dataFrame(this.id, Buffer.alloc(0), true)).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.wakeWriter();
    this.#session.dropped(this, this.writableFinished && this.readableEnded);
    done(error);
  }
}

/** The server's end of a SPDY/3.1 connection. */
export class SpdySession {
  readonly #connection: Duplex;
  readonly #onStream: (stream: SpdyStream) => void;
  readonly #reader = new FrameReader();
  readonly #encoder = new HeaderEncoder();
  readonly #decoder = new HeaderDecoder();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #gone = new AbortController();
  #lastStreamId = 0;
  #peerControlsFlow = false;
  #sessionWindow = initialWindowBytes;
  #unannounced = 0;
  #work: Promise<void> = Promise.resolve();
  #ending = false;

  /** Starts reading at once; `onStream` gets every stream the peer opens, already accepted. */
  constructor(connection: Duplex, head: Buffer, onStream: (stream: SpdyStream) => void) {
    this.#connection = connection;
    this.#onStream = onStream;
    connection.on('error', () => connection.destroy());
    connection.on('close', () => this.#closed());
    connection.on('end', () => {
      for (const stream of this.#streams.values()) stream.push(null);
      if (!connection.writableEnded) connection.end();
    });
    connection.on('data', (chunk: Buffer) => this.#take(chunk));
    if (head.length > 0) this.#take(head);
  }

  /** Aborted when the connection has closed. */
  get closed(): AbortSignal {
    return this.#gone.signal;
  }

  /** Sends what is pending, then closes: politely first, by force when the peer does not follow. */
  async end(): Promise<void> {
    if (this.#gone.signal.aborted || this.#ending) return;
    this.#ending = true;
    await this.send(controlFrame(frameTypes.goAway, 0, words(this.#lastStreamId, 0))).catch(() => this.#connection.destroy());
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#connection.destroy(), closePatienceMs);
      const closed = (): void => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#gone.signal.aborted) closed();
      else this.#gone.signal.addEventListener('abort', closed, { once: true });
      // Reading goes on: closing with unread bytes would reset the connection and lose what was sent.
      this.#connection.end();
      this.#connection.resume();
    });
  }

  send(frame: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#connection.write(frame, (error) => (error ? reject(error) : resolve()));
    });
  }

  async sendData(stream: SpdyStream, chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      let size = Math.min(maxDataBytes, chunk.length - at);
      if (this.#peerControlsFlow) {
        while (Math.min(stream.sendWindow, this.#sessionWindow) <= 0 && !stream.destroyed)
          await new Promise<void>((resolve) => (stream.wakeWriter = resolve));
        if (stream.destroyed) return;
        size = Math.min(size, stream.sendWindow, this.#sessionWindow);
      }
      stream.sendWindow -= size;
      this.#sessionWindow -= size;
      await this.send(dataFrame(stream.id, chunk.subarray(at, at + size), false));
      at += size;
    }
  }

  /** The consumer of a stream took bytes: the peer may send as many again. */
  consumed(streamId: number, bytes: number): void {
    this.#unannounced += bytes;
    const frames = [controlFrame(frameTypes.windowUpdate, 0, words(streamId, bytes))];
    if (this.#unannounced >= windowPortionBytes) {
      frames.push(controlFrame(frameTypes.windowUpdate, 0, words(0, this.#unannounced)));
      this.#unannounced = 0;
    }
    if (this.#connection.writable) this.#connection.write(Buffer.concat(frames));
    this.#resumeIfDrained();
  }

  /** A stream is over; unless both directions had ended, the peer is told to stop. */
  dropped(stream: SpdyStream, whole: boolean): void {
    if (!this.#streams.delete(stream.id)) return;
    if (!whole && this.#connection.writable) this.#connection.write(controlFrame(frameTypes.rstStream, 0, words(stream.id, rstCancel)));
    this.#resumeIfDrained();
  }

  #take(chunk: Buffer): void {
    let frames: Frame[];
    try {
      frames = this.#reader.add(chunk);
    } catch {
      this.#connection.destroy();
      return;
    }
    // Header blocks are decoded one after the other, so frames wait for those before them.
    for (const frame of frames) this.#work = this.#work.then(() => this.#handle(frame)).catch(() => void this.#connection.destroy());
    // Most clients ignore flow control; then only not reading stops a sender.
    if ([...this.#streams.values()].some((stream) => stream.readableLength > 16 * initialWindowBytes)) this.#connection.pause();
  }

  #resumeIfDrained(): void {
    if (this.#connection.isPaused() && ![...this.#streams.values()].some((stream) => stream.readableLength > 16 * initialWindowBytes))
      this.#connection.resume();
  }

  async #handle(frame: Frame): Promise<void> {
    if (frame.kind === 'data') {
      const stream = this.#streams.get(frame.streamId);
      // Bytes for a stream that is gone crossed our reset on the way.
      if (stream === undefined || stream.destroyed) return;
      if (frame.payload.length > 0) stream.receive(frame.payload);
      if (frame.fin) stream.push(null);
      return;
    }
    const { type, payload } = frame;
    if (type === frameTypes.synStream) await this.#open(payload, frame.flags);
    else if (type === frameTypes.rstStream) this.#reset(payload.readUInt32BE(0) & 0x7fffffff);
    else if (type === frameTypes.ping) await this.send(controlFrame(frameTypes.ping, 0, payload));
    else if (type === frameTypes.headers) await this.#decoder.decode(payload.subarray(4));
    else if (type === frameTypes.windowUpdate) this.#widen(payload.readUInt32BE(0) & 0x7fffffff, payload.readUInt32BE(4) & 0x7fffffff);
  }

  async #open(payload: Buffer, flags: number): Promise<void> {
    const id = payload.readUInt32BE(0) & 0x7fffffff;
    const headers = await this.#decoder.decode(payload.subarray(10));
    if (this.#ending) return;
    if (id % 2 === 0 || id <= this.#lastStreamId) {
      await this.send(controlFrame(frameTypes.rstStream, 0, words(id, rstProtocolError)));
      return;
    }
    this.#lastStreamId = id;
    const stream = new SpdyStream(this, id, headers);
    this.#streams.set(id, stream);
    await this.send(controlFrame(frameTypes.synReply, 0, Buffer.concat([words(id), await this.#encoder.encode({})])));
    if ((flags & flagFin) !== 0) stream.push(null);
    this.#onStream(stream);
  }

  #reset(id: number): void {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    stream?.destroy();
  }

  #widen(id: number, bytes: number): void {
    this.#peerControlsFlow = true;
    if (id === 0) this.#sessionWindow += bytes;
    else {
      const stream = this.#streams.get(id);
      if (stream) stream.sendWindow += bytes;
    }
    for (const stream of this.#streams.values()) stream.wakeWriter();
  }

  #closed(): void {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.destroy();
    this.#encoder.close();
    this.#decoder.close();
    this.#gone.abort(new Error('The client closed the connection'));
  }
}
