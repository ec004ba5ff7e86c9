import { RE2JS } from 're2js';
import { CelError } from '../values/value.ts';

/** Compiled patterns kept; the oldest goes first. */
const maxKept = 256;
const kept = new Map<string, RE2JS>();

/** A pattern in RE2's syntax, whose matching takes time linear in the text, or why it is none. */
export function regexOf(pattern: string): RE2JS | CelError {
  const known = kept.get(pattern);
  if (known !== undefined) return known;
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    return new CelError(`error parsing regexp: ${regexFault(error)}`);
  }
  if (kept.size >= maxKept)
    for (const oldest of kept.keys()) {
      kept.delete(oldest);
      break;
    }
  kept.set(pattern, compiled);
  return compiled;
}

function regexFault(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'invalid pattern';
}
