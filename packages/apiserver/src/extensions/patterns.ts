import type { PatternMatcher } from '@bayplan/api';

/** Compiled patterns that are kept; programs are a few KB each. */
const maxKept = 1000;
/** Instructions that a pattern may compile to: a repeat of repeats reaches millions. */
const maxProgramSize = 50_000;

interface Pattern {
  test(text: string): boolean;
}

/** Patterns of RE2's syntax, matched in time linear in the text, so that no pattern can stall the server. */
export interface Patterns {
  readonly matches: PatternMatcher;
  /** Why a pattern is none, in RE2's words; undefined when it is one. */
  faultOf(pattern: string): string | undefined;
}

let shared: Promise<Patterns> | undefined;

/** The one engine of this process, loaded when the first definition or custom resource is checked. */
export function sharedPatterns(): Promise<Patterns> {
  shared ??= loadPatterns();
  return shared;
}

async function loadPatterns(): Promise<Patterns> {
  const { RE2JS } = await import('re2js');
  const kept = new Map<string, Pattern | undefined>();
  const compile = (pattern: string): Pattern => {
    const compiled = RE2JS.compile(pattern);
    if (compiled.programSize() > maxProgramSize) throw new Error('expression nests too large repeats');
    return compiled;
  };
  const compiled = (pattern: string): Pattern | undefined => {
    if (kept.has(pattern)) return kept.get(pattern);
    if (kept.size >= maxKept) kept.clear();
    let made: Pattern | undefined;
    try {
      made = compile(pattern);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // Definitions are refused for such a pattern, so this one was stored by an older server: nothing matches it.
      made = undefined;
    }
    kept.set(pattern, made);
    return made;
  };
  return {
    matches: (pattern, text) => compiled(pattern)?.test(text) ?? false,
    faultOf(pattern) {
      try {
        compile(pattern);
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
  };
}
