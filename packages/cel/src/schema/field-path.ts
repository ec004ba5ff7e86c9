import type { CelSchema } from './json-schema.ts';
import { valuesOf } from './json-schema.ts';

const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  "'": "'",
  '\\': '\\',
};

/** The text between single quotes; undefined for an escape that is none. */
function unquote(text: string): string | undefined {
  let valid = true;
  const plain = text.replaceAll(/\\(.)/gs, (_, letter: string) => {
    const found = escapes[letter];
    if (found === undefined) valid = false;
    return found ?? '';
  });
  return valid ? plain : undefined;
}

/**
 * A rule's `fieldPath` (`.spec.x`, `.labels['a.b']`) as a path of a field error; undefined when it does not lead to a
 * field of the schema. Arrays cannot be passed through.
 */
export function resolveFieldPath(path: string, schema: CelSchema): string | undefined {
  let at: CelSchema = schema;
  let shown = '';
  let rest = path;
  while (rest !== '') {
    const dotted = /^\.([^.[\]]+)/.exec(rest);
    const bracketed = dotted === null ? /^\['((?:[^'\\]|\\.)*)'\]/s.exec(rest) : null;
    const match = dotted ?? bracketed;
    if (match === null) return undefined;
    const name = dotted === null ? unquote(match[1] ?? '') : match[1];
    if (name === undefined) return undefined;
    const values = valuesOf(at);
    if (at.properties !== undefined) {
      const next: CelSchema | undefined = Object.hasOwn(at.properties, name) ? at.properties[name] : undefined;
      if (next === undefined) return undefined;
      at = next;
      shown += shown === '' ? name : `.${name}`;
    } else if (values !== undefined) {
      at = values;
      shown += `[${name}]`;
    } else return undefined;
    rest = rest.slice(match[0].length);
  }
  return shown === '' ? undefined : shown;
}
