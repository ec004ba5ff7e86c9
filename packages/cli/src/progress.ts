/** Tells a person what a long command is doing: one line a step, on stderr. */
export interface Progress {
  /** Begins a step; the previous one, if it is still open, counts as done. */
  step(text: string): void;
  /** Something worth knowing about the step under way. */
  note(text: string): void;
  /** Ends the open step. */
  done(): void;
}

interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** On a terminal the open step shows how long it took once it is done; elsewhere each line is written once. */
export function createProgress(out: Terminal, nowMs: () => number): Progress {
  let open: { readonly text: string; readonly startMs: number } | undefined;
  const finish = (): void => {
    if (open === undefined) return;
    const seconds = ((nowMs() - open.startMs) / 1000).toFixed(1);
    out.write(out.isTTY ? `\r\x1b[K  ✓ ${open.text} (${seconds} s)\n` : `  done: ${open.text} (${seconds} s)\n`);
    open = undefined;
  };
  return {
    step(text) {
      finish();
      open = { text, startMs: nowMs() };
      out.write(out.isTTY ? `  … ${text}` : `  ${text}\n`);
    },
    note(text) {
      if (out.isTTY && open !== undefined) out.write(`\r\x1b[K    ${text}\n  … ${open.text}`);
      else out.write(`    ${text}\n`);
    },
    done: finish,
  };
}
