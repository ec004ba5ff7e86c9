import type { LiteralValue, MapEntryNode, Node, StructFieldNode } from './ast.ts';
import { operators } from './ast.ts';
import type { Token } from './lexer.ts';
import { tokenize } from './lexer.ts';
import type { MacroTable } from './macros.ts';
import { SyntaxFault } from './source.ts';
import { bytesValue, stringValue } from './unescape.ts';

/** Deepest nesting, as in Kubernetes. */
const maxDepth = 250;
/** Longest chain of one operator; each link deepens the tree by one. */
const maxChain = 500;
/** Most code points of an expression. */
const maxLength = 100_000;

const reserved = new Set('as break const continue else for function if import let loop package namespace return var void while'.split(' '));
const relations: Readonly<Record<string, string>> = {
  '<': operators.less,
  '<=': operators.lessEquals,
  '>': operators.greater,
  '>=': operators.greaterEquals,
  '==': operators.equals,
  '!=': operators.notEquals,
  in: operators.in,
};
const products: Readonly<Record<string, string>> = { '*': operators.multiply, '/': operators.divide, '%': operators.modulo };
const sums: Readonly<Record<string, string>> = { '+': operators.add, '-': operators.subtract };
const maxInt = 2n ** 63n - 1n;

class Parser {
  private readonly tokens: readonly Token[];
  private readonly macros: MacroTable;
  private position = 0;
  private depth = 0;

  constructor(text: string, macros: MacroTable) {
    this.tokens = tokenize(text);
    this.macros = macros;
  }

  parse(): Node {
    const node = this.expression();
    const rest = this.peek();
    if (rest.kind !== 'end') throw new SyntaxFault(rest.at, `Syntax error: mismatched input '${rest.text}' expecting <EOF>`);
    return node;
  }

  private peek(ahead = 0): Token {
    return this.tokens[Math.min(this.position + ahead, this.tokens.length - 1)] ?? { kind: 'end', text: '<EOF>', at: 0 };
  }

  private next(): Token {
    const token = this.peek();
    this.position += 1;
    return token;
  }

  private is(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'op' && token.text === text;
  }

  private accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.position += 1;
    return true;
  }

  private expect(text: string): Token {
    const token = this.next();
    if (token.kind === 'op' && token.text === text) return token;
    throw new SyntaxFault(token.at, `Syntax error: mismatched input '${token.text}' expecting '${text}'`);
  }

  private expression(): Node {
    this.depth += 1;
    if (this.depth > maxDepth) throw new SyntaxFault(0, `expression recursion limit exceeded: ${maxDepth.toString()}`);
    const condition = this.logical('||', operators.or, () => this.logical('&&', operators.and, () => this.relation()));
    let node = condition;
    if (this.is('?')) {
      const at = this.next().at;
      const yes = this.logical('||', operators.or, () => this.logical('&&', operators.and, () => this.relation()));
      this.expect(':');
      node = call(at, operators.conditional, [condition, yes, this.expression()]);
    }
    this.depth -= 1;
    return node;
  }

  /** Chains of `&&` and `||` become balanced trees, so their length does not deepen the tree. */
  private logical(symbol: string, name: string, term: () => Node): Node {
    const terms = [term()];
    const places: number[] = [];
    while (this.is(symbol)) {
      places.push(this.next().at);
      terms.push(term());
    }
    const build = (from: number, to: number): Node => {
      if (from === to) return terms[from] as Node;
      const middle = Math.floor((from + to) / 2);
      return call(places[middle] ?? 0, name, [build(from, middle), build(middle + 1, to)]);
    };
    return build(0, terms.length - 1);
  }

  private chain(names: Readonly<Record<string, string>>, term: () => Node): Node {
    let node = term();
    for (let links = 0; ; links += 1) {
      const token = this.peek();
      const name = token.kind === 'op' || (token.kind === 'ident' && token.text === 'in') ? names[token.text] : undefined;
      if (name === undefined || !Object.hasOwn(names, token.text)) return node;
      if (links > maxChain) throw new SyntaxFault(token.at, `expression recursion limit exceeded: ${maxDepth.toString()}`);
      this.position += 1;
      node = call(token.at, name, [node, term()]);
    }
  }

  private relation(): Node {
    return this.chain(relations, () => this.chain(sums, () => this.chain(products, () => this.unary())));
  }

  private unary(): Node {
    const token = this.peek();
    if (this.is('!')) {
      let count = 0;
      while (this.accept('!')) count += 1;
      const operand = this.member();
      return count % 2 === 0 ? operand : call(token.at, operators.not, [operand]);
    }
    if (this.is('-')) {
      const next = this.peek(1);
      if (next.kind === 'int' || next.kind === 'double') return this.member();
      let count = 0;
      while (this.accept('-')) count += 1;
      const operand = this.member();
      return count % 2 === 0 ? operand : call(token.at, operators.negate, [operand]);
    }
    return this.member();
  }

  private member(): Node {
    let node = this.primary();
    for (let links = 0; ; links += 1) {
      if (links > maxChain) throw new SyntaxFault(this.peek().at, `expression recursion limit exceeded: ${maxDepth.toString()}`);
      const at = this.peek().at;
      if (this.accept('.')) node = this.selection(node, at);
      else if (this.accept('[')) {
        const optional = this.accept('?');
        const index = this.expression();
        this.expect(']');
        node = call(at, optional ? operators.optionalIndex : operators.index, [node, index]);
      } else return node;
    }
  }

  private selection(operand: Node, at: number): Node {
    const optional = this.accept('?');
    const token = this.next();
    if (token.kind !== 'ident' && token.kind !== 'quoted-ident') {
      throw new SyntaxFault(token.at, `Syntax error: no viable alternative at input '.${token.text}'`);
    }
    if (token.kind === 'ident' && (token.text === 'in' || token.text === 'true' || token.text === 'false' || token.text === 'null')) {
      throw new SyntaxFault(token.at, `Syntax error: no viable alternative at input '.${token.text}'`);
    }
    const field = token.kind === 'ident' ? token.text : token.text.slice(1, -1);
    if (optional) {
      return call(at, operators.optionalSelect, [operand, { kind: 'literal', at: token.at, value: { of: 'string', value: field } }]);
    }
    if (!this.is('(')) return { kind: 'select', at, operand, field, testOnly: false };
    const open = this.next().at;
    const args = this.args(')');
    return this.macros.expand(field, operand, args, open) ?? call(open, field, args, operand);
  }

  private args(close: string): Node[] {
    const args: Node[] = [];
    if (this.accept(close)) return args;
    do args.push(this.expression());
    while (this.accept(','));
    this.expect(close);
    return args;
  }

  private primary(): Node {
    const token = this.next();
    switch (token.kind) {
      case 'int':
      case 'uint':
      case 'double':
        return this.number(token, '');
      case 'string':
        return literal(token, { of: 'string', value: stringValue(token.text, token.at) });
      case 'bytes':
        return literal(token, { of: 'bytes', value: bytesValue(token.text, token.at) });
      case 'ident':
        return this.name(token, '');
      case 'op':
        return this.operator(token);
      default:
        throw unexpected(token);
    }
  }

  private operator(token: Token): Node {
    if (token.text === '-') {
      const digits = this.next();
      if (digits.kind === 'int' || digits.kind === 'double') return this.number(digits, '-');
      throw unexpected(digits);
    }
    if (token.text === '.') {
      const name = this.next();
      if (name.kind !== 'ident') throw unexpected(name);
      return this.name(name, '.');
    }
    if (token.text === '(') {
      const node = this.expression();
      this.expect(')');
      return node;
    }
    if (token.text === '[') return this.list(token.at);
    if (token.text === '{') return this.map(token.at);
    throw unexpected(token);
  }

  private number(token: Token, sign: string): Node {
    if (token.kind === 'double') {
      const value = Number(sign + token.text);
      if (!Number.isFinite(value)) throw new SyntaxFault(token.at, 'invalid double literal');
      return literal(token, { of: 'double', value });
    }
    if (token.kind === 'uint') {
      const value = BigInt(token.text.slice(0, -1));
      if (value > 2n * maxInt + 1n) throw new SyntaxFault(token.at, 'invalid uint literal');
      return literal(token, { of: 'uint', value });
    }
    const value = sign === '-' ? -BigInt(token.text) : BigInt(token.text);
    if (value > maxInt || value < -maxInt - 1n) throw new SyntaxFault(token.at, 'invalid int literal');
    return literal(token, { of: 'int', value });
  }

  private name(token: Token, dot: string): Node {
    if (token.text === 'true' || token.text === 'false') return literal(token, { of: 'bool', value: token.text === 'true' });
    if (token.text === 'null') return literal(token, { of: 'null' });
    if (token.text === 'in') throw unexpected(token);
    const struct = this.structName(token);
    if (struct !== undefined) return struct;
    if (reserved.has(token.text)) throw new SyntaxFault(token.at, `reserved identifier: ${token.text}`);
    if (!this.is('(')) return { kind: 'ident', at: token.at, name: dot + token.text };
    const open = this.next().at;
    const args = this.args(')');
    return this.macros.expand(dot + token.text, undefined, args, open) ?? call(open, token.text, args);
  }

  /** `a.b.C{...}`: looks ahead over the name to its brace. */
  private structName(first: Token): Node | undefined {
    let ahead = 0;
    let name = first.text;
    while (this.is('.', ahead) && this.peek(ahead + 1).kind === 'ident') {
      name += `.${this.peek(ahead + 1).text}`;
      ahead += 2;
    }
    if (!this.is('{', ahead)) return undefined;
    this.position += ahead;
    const at = this.next().at;
    const fields: StructFieldNode[] = [];
    while (!this.is('}')) {
      const optional = this.accept('?');
      const field = this.next();
      if (field.kind !== 'ident' && field.kind !== 'quoted-ident') throw unexpected(field);
      const colon = this.expect(':');
      const fieldName = field.kind === 'ident' ? field.text : field.text.slice(1, -1);
      fields.push({ at: colon.at, name: fieldName, value: this.expression(), optional });
      if (!this.accept(',')) break;
    }
    this.expect('}');
    return { kind: 'struct', at, name, fields };
  }

  private list(at: number): Node {
    const elements: Node[] = [];
    const optional = new Set<number>();
    while (!this.is(']')) {
      if (this.accept('?')) optional.add(elements.length);
      elements.push(this.expression());
      if (!this.accept(',')) break;
    }
    this.expect(']');
    return { kind: 'list', at, elements, optional };
  }

  private map(at: number): Node {
    const entries: MapEntryNode[] = [];
    while (!this.is('}')) {
      const optional = this.accept('?');
      const key = this.expression();
      const colon = this.expect(':');
      entries.push({ at: colon.at, key, value: this.expression(), optional });
      if (!this.accept(',')) break;
    }
    this.expect('}');
    return { kind: 'map', at, entries };
  }
}

function call(at: number, name: string, args: readonly Node[], target?: Node): Node {
  return { kind: 'call', at, name, target, args };
}

function literal(token: Token, value: LiteralValue): Node {
  return { kind: 'literal', at: token.at, value };
}

function unexpected(token: Token): SyntaxFault {
  const what =
    token.kind === 'end'
      ? `mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}`
      : `no viable alternative at input '${token.text}'`;
  return new SyntaxFault(token.at, `Syntax error: ${what}`);
}

/** The tree of an expression with its macros expanded. Throws `SyntaxFault`. */
export function parse(text: string, macros: MacroTable): Node {
  if (text.length > maxLength) {
    throw new SyntaxFault(0, `expression code point size exceeds limit: size: ${text.length.toString()}, limit ${maxLength.toString()}`);
  }
  return new Parser(text, macros).parse();
}
