import type { CelType } from '../src/index.ts';
import { baseEnvironment, compile, dynType, toJson } from '../src/index.ts';

/** What an expression gives, as JSON; `error: ...` or `invalid: ...` when it fails. */
export function evaluated(
  expression: string,
  variables: Readonly<Record<string, unknown>> = {},
  types: Readonly<Record<string, CelType>> = {},
): string {
  const declared = Object.fromEntries(Object.keys(variables).map((name) => [name, types[name] ?? dynType]));
  const compiled = compile(expression, baseEnvironment().extend({ variables: declared }));
  if (!compiled.ok) return `invalid: ${compiled.issues.map((issue) => issue.message).join('; ')}`;
  const result = compiled.program.evaluate(variables);
  return result.ok ? JSON.stringify(toJson(result.value)) : `error: ${result.error}`;
}

/** `expression => result`, one a line. */
export function table(text: string): [string, string][] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+=>\s+/) as [string, string]);
}
