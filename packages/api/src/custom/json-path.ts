import { isJsonObject, memberOf } from '../patch/json-value.ts';

/** One step of a path: from the values reached so far to the next ones. */
type Step = (value: unknown) => readonly unknown[];

const maxPathLength = 4096;

/** A path that cannot be read; the text says why. */
export class JsonPathError extends Error {}

/**
 * Compiles a path in the dialect of Kubernetes' printer columns: `.spec.a`, `['a.b']`, `\.` in names,
 * `[0]`, `[-1]`, `[1:3]`, `[*]`, `..`, `[?(@.type=="Ready")]`. The result answers every value it leads to;
 * what is absent leads nowhere. Throws `JsonPathError`.
 */
export function compileJsonPath(path: string): (value: unknown) => readonly unknown[] {
  if (path.length > maxPathLength) throw new JsonPathError('the path is too long');
  const steps = new PathParser(path).parse();
  return (value) => {
    let reached: readonly unknown[] = [value];
    for (const step of steps) {
      if (reached.length === 0) return reached;
      reached = reached.length === 1 ? step(reached[0]) : reached.flatMap((one) => step(one));
    }
    return reached;
  };
}

class PathParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Step[] {
    const steps: Step[] = [];
    if (this.#text.startsWith('$') || this.#text.startsWith('@')) this.#at = 1;
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at);
      if (char === '[') steps.push(this.#bracket());
      else if (this.#text.startsWith('..', this.#at)) {
        this.#at += 2;
        steps.push(descendants);
        if (this.#text.charAt(this.#at) !== '[') steps.push(this.#named());
      } else if (char === '.') {
        this.#at++;
        // A dot before a bracket, or alone, stays where it is.
        if (this.#at < this.#text.length && this.#text.charAt(this.#at) !== '[') steps.push(this.#named());
      } else steps.push(this.#named());
    }
    return steps;
  }

  #named(): Step {
    let name = '';
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at);
      if (char === '.' || char === '[') break;
      if (char === '\\') this.#at++;
      name += this.#text.charAt(this.#at++);
    }
    if (name === '') throw new JsonPathError(`a name is missing at ${this.#at.toString()}`);
    return name === '*' ? children : field(name);
  }

  #bracket(): Step {
    const inner = this.#inner();
    if (inner.startsWith('?(') && inner.endsWith(')')) return filter(inner.slice(2, -1));
    const quoted = /^(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")$/.exec(inner);
    if (quoted !== null) return field((quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/g, '$1'));
    if (inner === '*') return children;
    if (/^-?\d+$/.test(inner)) return item(Number(inner));
    const slice = /^(-?\d*):(-?\d*)(?::(\d*))?$/.exec(inner);
    if (slice !== null) return part(slice[1] ?? '', slice[2] ?? '', slice[3] ?? '');
    if (inner.includes(',')) {
      const steps = inner.split(',').map((one) => new PathParser(`[${one.trim()}]`).parse());
      return (value) => steps.flatMap((some) => some.reduce<readonly unknown[]>((reached, step) => reached.flatMap(step), [value]));
    }
    throw new JsonPathError(`invalid array index ${inner}`);
  }

  /** What stands between a bracket and the one that closes it; brackets in quotes do not count. */
  #inner(): string {
    const start = ++this.#at;
    let depth = 1;
    let quote = '';
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text.charAt(this.#at);
      if (char === '\\') this.#at++;
      else if (quote !== '') quote = char === quote ? '' : quote;
      else if (char === "'" || char === '"') quote = char;
      else if (char === '[') depth++;
      else if (char === ']' && --depth === 0) return this.#text.slice(start, this.#at++).trim();
    }
    throw new JsonPathError('unterminated array');
  }
}

function field(name: string): Step {
  return (value) => {
    if (!isJsonObject(value)) return [];
    const found = memberOf(value, name);
    return found === undefined || found === null ? [] : [found];
  };
}

const children: Step = (value) => (Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : []);

const descendants: Step = (value) => {
  const found: unknown[] = [];
  const pending: unknown[] = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    found.push(next);
    for (const child of children(next)) if (typeof child === 'object' && child !== null) pending.push(child);
  }
  return found;
};

function item(index: number): Step {
  return (value) => {
    if (!Array.isArray(value)) return [];
    const found: unknown = value.at(index);
    return found === undefined ? [] : [found];
  };
}

function part(from: string, to: string, by: string): Step {
  const start = from === '' ? 0 : Number(from);
  const end = to === '' ? undefined : Number(to);
  const stride = by === '' ? 1 : Math.max(Number(by), 1);
  return (value) => (Array.isArray(value) ? value.slice(start, end).filter((_item, at) => at % stride === 0) : []);
}

const comparison = /^(.*?)\s*(==|!=|<=|>=|<|>)\s*(.*)$/s;

function filter(expression: string): Step {
  const match = comparison.exec(expression.trim());
  if (match === null) {
    const path = operand(expression.trim());
    return (value) => items(value).filter((one) => path(one).length > 0);
  }
  const [, left = '', operator = '', right = ''] = match;
  const one = operand(left.trim());
  const other = operand(right.trim());
  return (value) => items(value).filter((each) => holds(operator, one(each), other(each)));
}

const items = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : []);

/** A path that begins at the item, or a constant. */
function operand(text: string): Step {
  if (text.startsWith('@')) return compileJsonPath(text);
  const quoted = /^'(.*)'$|^"(.*)"$/s.exec(text);
  if (quoted !== null) {
    const constant = [(quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/g, '$1')];
    return () => constant;
  }
  if (text === 'true' || text === 'false') return () => [text === 'true'];
  if (text !== '' && Number.isFinite(Number(text))) return () => [Number(text)];
  throw new JsonPathError(`unrecognized identifier ${text}`);
}

function holds(operator: string, left: readonly unknown[], right: readonly unknown[]): boolean {
  const [one] = left;
  const [other] = right;
  if (one === undefined || other === undefined || typeof one !== typeof other) return false;
  switch (operator) {
    case '==':
      return one === other;
    case '!=':
      return one !== other;
    default:
  }
  const order = one === other ? 0 : (one as string) < (other as string) ? -1 : 1;
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    default:
      return order >= 0;
  }
}
