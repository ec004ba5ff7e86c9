import { Duplex } from 'node:stream';

/** The client's end of binary WebSocket messages as a byte stream, for subprotocols whose names `ws` refuses. */
export function maskedFrames(socket: Duplex): Duplex {
  let pending = Buffer.alloc(0);
  const stream = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      // A mask of zeros leaves the payload as it is.
      const head = Buffer.alloc(14);
      head[0] = 0x82;
      head[1] = 0xff;
      head.writeBigUInt64BE(BigInt(chunk.length), 2);
      socket.write(Buffer.concat([head, chunk]), () => done());
    },
    final(done) {
      socket.end(done);
    },
  });
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      if (pending.length < 2) return;
      const short = (pending[1] ?? 0) & 0x7f;
      const headLength = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (pending.length < headLength) return;
      const length = short === 126 ? pending.readUInt16BE(2) : short === 127 ? Number(pending.readBigUInt64BE(2)) : short;
      if (pending.length < headLength + length) return;
      if (((pending[0] ?? 0) & 0xf) === 2) stream.push(pending.subarray(headLength, headLength + length));
      pending = pending.subarray(headLength + length);
    }
  });
  socket.on('end', () => stream.push(null));
  return stream;
}
