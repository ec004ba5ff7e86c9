/** A watch event larger than this ends the watch: no object may be so large. */
const maxLineBytes = 64 * 1024 * 1024;

/** Splits a stream of bytes into the values of its lines. */
export async function* jsonLines(stream: AsyncIterable<Buffer>): AsyncGenerator<unknown> {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const tail = chunk.subarray(start, end);
      const line = kept.length === 0 ? tail : Buffer.concat([...kept, tail]);
      kept = [];
      keptBytes = 0;
      start = end + 1;
      if (line.length > 0) yield JSON.parse(line.toString('utf8'));
    }
    if (start < chunk.length) {
      const rest = chunk.subarray(start);
      kept.push(rest);
      keptBytes += rest.length;
      if (keptBytes > maxLineBytes) throw new Error('A line of the stream was too long');
    }
  }
  if (keptBytes > 0) yield JSON.parse(Buffer.concat(kept).toString('utf8'));
}
