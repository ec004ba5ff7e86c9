/** A DNS message with the two bytes of length that precede it on TCP (RFC 1035, 4.2.2). */
export function frameTcp(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(message.length + 2);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  return framed;
}

/** A function to feed a connection's bytes to, which calls back once for each whole message. */
export function splitTcp(onMessage: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0);
      const message = Buffer.from(rest.subarray(2, end));
      rest = rest.subarray(end);
      onMessage(message);
    }
  };
}
