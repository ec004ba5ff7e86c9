/** One fault of an expression, as the compiler reports it. */
export interface Issue {
  readonly message: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
}

/** Thrown inside the parser only; never leaves the package. */
export class SyntaxFault extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/** Turns offsets into lines and columns and prints issues with the line they are on. */
export class Source {
  readonly text: string;
  private readonly lines: readonly string[];

  constructor(text: string) {
    this.text = text;
    this.lines = text.split('\n');
  }

  issue(at: number, message: string): Issue {
    let start = 0;
    let line = 1;
    for (const text of this.lines) {
      if (at <= start + text.length || line === this.lines.length) {
        return { message, line, column: [...this.text.slice(start, at)].length + 1 };
      }
      start += text.length + 1;
      line += 1;
    }
    return { message, line: 1, column: 1 };
  }

  /** `ERROR: <input>:1:5: message` followed by the line and a mark under the column. */
  print(issues: readonly Issue[]): string {
    return issues
      .map(({ message, line, column }) => {
        const head = `ERROR: <input>:${line.toString()}:${column.toString()}: ${message}`;
        const text = (this.lines[line - 1] ?? '').replaceAll('\t', ' ');
        return `${head}\n | ${text}\n | ${'.'.repeat(column - 1)}^`;
      })
      .join('\n');
  }
}
