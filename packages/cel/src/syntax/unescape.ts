import { SyntaxFault } from './source.ts';

const simpleEscapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '"': 34,
  "'": 39,
  '\\': 92,
  '?': 63,
  '`': 96,
};

interface Escape {
  readonly code: number;
  readonly length: number;
  /** A code point, not a byte. */
  readonly unicode: boolean;
}

function digits(text: string, at: number, count: number, pattern: RegExp, radix: number, fault: () => SyntaxFault): number {
  const part = text.slice(at, at + count);
  if (part.length !== count || !pattern.test(part)) throw fault();
  return Number.parseInt(part, radix);
}

function readEscape(text: string, at: number, fault: () => SyntaxFault): Escape {
  const letter = text[at] ?? '';
  const plain = simpleEscapes[letter];
  if (plain !== undefined) return { code: plain, length: 1, unicode: false };
  const hex = /^[0-9a-fA-F]+$/;
  if (letter === 'x' || letter === 'X') return { code: digits(text, at + 1, 2, hex, 16, fault), length: 3, unicode: false };
  if (letter === 'u') return { code: digits(text, at + 1, 4, hex, 16, fault), length: 5, unicode: true };
  if (letter === 'U') return { code: digits(text, at + 1, 8, hex, 16, fault), length: 9, unicode: true };
  return { code: digits(text, at, 3, /^[0-3][0-7]{2}$/, 8, fault), length: 3, unicode: false };
}

/** The body of a literal between its quotes, and whether escapes count in it. */
function bodyOf(literal: string): { body: string; raw: boolean } {
  const prefix = /^[a-zA-Z]*/.exec(literal)?.[0] ?? '';
  const quoted = literal.slice(prefix.length);
  const marks = quoted.startsWith('"""') || quoted.startsWith("'''") ? 3 : 1;
  return { body: quoted.slice(marks, quoted.length - marks).replaceAll('\r\n', '\n'), raw: /r/i.test(prefix) };
}

/** The value of a string literal with its quotes. `at` is for faults. */
export function stringValue(literal: string, at: number): string {
  const { body, raw } = bodyOf(literal);
  if (raw || !body.includes('\\')) return body;
  const fault = (): SyntaxFault => new SyntaxFault(at, `Syntax error: unable to unescape string`);
  let out = '';
  for (let position = 0; position < body.length;) {
    if (body[position] !== '\\') {
      out += body[position] ?? '';
      position += 1;
      continue;
    }
    const escape = readEscape(body, position + 1, fault);
    if (escape.code > 0x10ffff || (escape.code >= 0xd800 && escape.code < 0xe000)) throw fault();
    out += String.fromCodePoint(escape.code);
    position += 1 + escape.length;
  }
  return out;
}

/** The value of a bytes literal: characters as UTF-8, `\x` and octal escapes as single bytes. */
export function bytesValue(literal: string, at: number): Uint8Array {
  const { body, raw } = bodyOf(literal);
  const encoder = new TextEncoder();
  if (raw || !body.includes('\\')) return encoder.encode(body);
  const fault = (): SyntaxFault => new SyntaxFault(at, `Syntax error: unable to unescape string`);
  const out: number[] = [];
  for (let position = 0; position < body.length;) {
    if (body[position] !== '\\') {
      const char = String.fromCodePoint(body.codePointAt(position) ?? 0);
      out.push(...encoder.encode(char));
      position += char.length;
      continue;
    }
    const escape = readEscape(body, position + 1, fault);
    if (escape.unicode) throw fault();
    out.push(escape.code);
    position += 1 + escape.length;
  }
  return Uint8Array.from(out);
}
