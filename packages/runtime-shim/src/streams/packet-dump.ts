/**
 * Reads what `socat -x` prints: a line that starts with `>` for each packet, then its bytes as
 * hexadecimal pairs on lines that start with a space.
 */
export class PacketDump {
  readonly #onPacket: (packet: Buffer) => void;
  #line = '';
  #hex = '';
  #expected = 0;

  constructor(onPacket: (packet: Buffer) => void) {
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
    const header = /^> .* length=(\d+) /.exec(line);
    if (header) {
      this.#expected = Number(header[1]);
      this.#hex = '';
    } else if (line.startsWith(' ') && this.#expected > 0) this.#hex += line.replaceAll(' ', '');
    if (this.#expected === 0 || this.#hex.length < this.#expected * 2) return;
    const packet = Buffer.from(this.#hex, 'hex');
    this.#expected = 0;
    this.#onPacket(packet);
  }
}
