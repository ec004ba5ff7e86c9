import { SyntaxFault } from './source.ts';

export type TokenKind = 'ident' | 'quoted-ident' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'op' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Identifiers, operators and numbers as written; strings with quotes and prefix. */
  readonly text: string;
  readonly at: number;
}

const patterns: readonly (readonly [TokenKind | undefined, RegExp])[] = [
  [undefined, /[\t \r\n\f]+|\/\/[^\n]*/y],
  ['double', /\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?/y],
  ['uint', /(?:0x[0-9a-fA-F]+|\d+)[uU]/y],
  ['int', /0x[0-9a-fA-F]+|\d+/y],
  ['bytes', /[bB][rR]?(?="|')/y],
  ['string', /[rR]?(?="|')/y],
  ['ident', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['quoted-ident', /`[A-Za-z0-9_./ -]+`/y],
  ['op', /==|!=|<=|>=|&&|\|\||[<>()[\]{}.,\-!?:+*/%]/y],
];

/** The end of the string literal whose quotes start at `at`. */
function endOfString(source: string, at: number, raw: boolean, start: number): number {
  const quote = source[at] ?? '"';
  const long = source.startsWith(quote.repeat(3), at);
  const close = long ? quote.repeat(3) : quote;
  let position = at + close.length;
  while (position < source.length) {
    if (source.startsWith(close, position)) return position + close.length;
    const char = source[position];
    if (!long && (char === '\n' || char === '\r')) break;
    position += char === '\\' && !raw ? 2 : 1;
  }
  throw new SyntaxFault(start, `Syntax error: token recognition error at: '${source.slice(start, start + 40)}'`);
}

/** All tokens, ended by one of kind `end`. Throws `SyntaxFault`. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  next: while (at < source.length) {
    for (const [kind, pattern] of patterns) {
      pattern.lastIndex = at;
      const match = pattern.exec(source)?.[0];
      if (match === undefined) continue;
      if (kind === undefined) {
        at += match.length;
        continue next;
      }
      let end = at + match.length;
      if (kind === 'string' || kind === 'bytes') end = endOfString(source, end, /r/i.test(match), at);
      tokens.push({ kind, text: source.slice(at, end), at });
      at = end;
      continue next;
    }
    throw new SyntaxFault(at, `Syntax error: token recognition error at: '${source[at] ?? ''}'`);
  }
  tokens.push({ kind: 'end', text: '<EOF>', at: source.length });
  return tokens;
}
