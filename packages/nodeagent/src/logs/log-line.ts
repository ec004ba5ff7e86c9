/** One line of a container's log file in CRI's format: `TIME STREAM TAG CONTENT`. */
export interface LogLine {
  /** RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** The line goes on in the next entry: its content has no end of line. */
  readonly partial: boolean;
  readonly content: Buffer;
}

const blank = 0x20;

/** Parses a line without its end; undefined when it is not in the format. */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(blank);
  const second = first < 0 ? -1 : line.indexOf(blank, first + 1);
  if (second < 0) return undefined;
  const third = line.indexOf(blank, second + 1);
  const stream = line.toString('latin1', first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const tags = line.toString('latin1', second + 1, third < 0 ? line.length : third);
  return {
    time: line.toString('latin1', 0, first),
    stream,
    partial: tags.split(':')[0] === 'P',
    content: third < 0 ? Buffer.alloc(0) : line.subarray(third + 1),
  };
}
