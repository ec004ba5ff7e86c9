/**
 * Reads what `socat -x` prints: for each packet a line that starts with its direction, `>` or `<`,
 * then its bytes as hexadecimal pairs on lines that start with a space. Only one direction is passed on.
 */
export class PacketDump {
  readonly #direction: '<' | '>';
  readonly #onPacket: (packet: Buffer) => void;
  #line = '';
  #hex = '';
  #expected = 0;

  constructor(direction: '<' | '>', onPacket: (packet: Buffer) => void) {
    this.#direction = direction;
    this.#onPacket = onPacket;
  }

  add(chunk: Buffer): void {
    const lines = (this.#line + chunk.toString('latin1')).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
    // The end of the last line may only come with the next packet.
    if (this.#line.startsWith(' ') && this.#missing() === this.#line.length) {
      this.#take(this.#line);
      this.#line = '';
    }
  }

  /** How long the rest of the current packet is in print: a space and two digits for each byte. */
  #missing(): number {
    return (this.#expected - this.#hex.length / 2) * 3;
  }

  #take(line: string): void {
    const header = /^([<>]) .* length=(\d+) /.exec(line);
    if (header) {
      this.#expected = header[1] === this.#direction ? Number(header[2]) : 0;
      this.#hex = '';
    } else if (line.startsWith(' ') && this.#expected > 0) this.#hex += line.replaceAll(' ', '');
    if (this.#expected === 0 || this.#hex.length < this.#expected * 2) return;
    const packet = Buffer.from(this.#hex, 'hex');
    this.#expected = 0;
    this.#onPacket(packet);
  }
}
