import { badRequest } from '../../errors/constructors.ts';

const decoder = new TextDecoder();

/** Reads one protobuf message. Every method throws StatusError BadRequest when the bytes end too soon or make no sense. */
export class MessageReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Of the field that `next` came to. */
  number = 0;
  wire = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Goes to the next field; false at the end. */
  next(): boolean {
    if (this.#at >= this.#bytes.length) return false;
    const tag = this.varint();
    this.number = Math.floor(tag / 8);
    this.wire = tag % 8;
    if (this.number === 0) throw malformed('field number 0');
    return true;
  }

  /** A varint as a signed 64-bit integer; beyond 2^53 it loses precision as all JSON numbers do. */
  varint(): number {
    let low = 0;
    let factor = 1;
    for (let count = 0; count < 10; count++) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw malformed('unexpected end');
      this.#at++;
      if (count < 7) {
        low += (byte & 0x7f) * factor;
        factor *= 128;
        if (byte < 128) return low;
      } else if (count === 7) return this.#longVarint(this.#at - 8);
    }
    throw malformed('varint too long');
  }

  /** From nine bytes on a double cannot sum up exactly: negative numbers above all. */
  #longVarint(start: number): number {
    let value = 0n;
    for (let count = 0; count < 10; count++) {
      const byte = this.#bytes[start + count];
      if (byte === undefined) throw malformed('unexpected end');
      value |= BigInt(byte & 0x7f) << BigInt(7 * count);
      if (byte < 128) {
        this.#at = start + count + 1;
        return Number(BigInt.asIntN(64, value));
      }
    }
    throw malformed('varint too long');
  }

  /** The bytes of a length-delimited field: a view. */
  bytes(): Uint8Array {
    if (this.wire !== 2) throw malformed(`wire type ${this.wire} where 2 was expected`);
    const length = this.varint();
    const end = this.#at + length;
    if (length < 0 || end > this.#bytes.length) throw malformed('unexpected end');
    const view = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return view;
  }

  string(): string {
    return decoder.decode(this.bytes());
  }

  int(): number {
    if (this.wire !== 0) throw malformed(`wire type ${this.wire} where 0 was expected`);
    return this.varint();
  }

  double(): number {
    if (this.wire !== 1 || this.#at + 8 > this.#bytes.length) throw malformed('no double');
    const value = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, 8).getFloat64(0, true);
    this.#at += 8;
    return value;
  }

  skip(): void {
    if (this.wire === 0) this.varint();
    else if (this.wire === 1) this.#at += 8;
    else if (this.wire === 2) this.bytes();
    else if (this.wire === 5) this.#at += 4;
    else throw malformed(`wire type ${this.wire}`);
  }
}

export function malformed(what: string): Error {
  return badRequest(`the protobuf body is malformed: ${what}`);
}
