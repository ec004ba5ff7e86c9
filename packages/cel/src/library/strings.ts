import type { FunctionDeclaration } from '../check/declarations.ts';
import { declare, global, member } from '../check/declarations.ts';
import { joinedSize, listPass, replacedSize, scan, traversal } from '../cost/call-costs.ts';
import type { ArgumentFacts } from '../cost/estimates.ts';
import { scaled, unknownSize } from '../cost/estimates.ts';
import { spend } from '../eval/work.ts';
import { dynType, intType, listOf, stringType } from '../types/types.ts';
import { sizeOf } from '../values/fits.ts';
import type { EvalValue, Value, CelList } from '../values/value.ts';
import { ArrayList, BudgetExceeded, CelError } from '../values/value.ts';
import { maxMade } from './arithmetic.ts';
import { formatText } from './format-text.ts';

/** UTF-16 units are characters when there are no surrogates, so most strings need no array of them. */
function charactersOf(text: string): readonly string[] | string {
  spend(text.length / 10);
  if (!/[\ud800-\udfff]/.test(text)) return text;
  spend(text.length);
  return [...text];
}
const joined = (characters: readonly string[] | string): string => (typeof characters === 'string' ? characters : characters.join(''));
const outOfRange = (index: bigint): CelError => new CelError(`index out of range: ${index.toString()}`);

function charAt(text: Value, index: Value): EvalValue {
  const characters = charactersOf(text as string);
  const at = index as bigint;
  if (at < 0n || at > BigInt(characters.length)) return outOfRange(at);
  return characters[Number(at)] ?? '';
}

function indexOfText(text: Value, part: Value, from: Value = 0n): EvalValue {
  const offset = from as bigint;
  if (part === '') return offset;
  if (offset < 0n) return outOfRange(offset);
  const characters = charactersOf(text as string);
  if (offset >= BigInt(characters.length)) return -1n;
  if (typeof characters === 'string') return BigInt(characters.indexOf(part as string, Number(offset)));
  const before = characters.slice(0, Number(offset)).join('').length;
  return positionOf(text as string, (text as string).indexOf(part as string, before));
}

/** A UTF-16 offset as a number of characters. */
function positionOf(text: string, offset: number): bigint {
  return offset < 0 ? -1n : BigInt([...text.slice(0, offset)].length);
}

function lastIndexOfText(text: Value, part: Value, from?: Value): EvalValue {
  const characters = charactersOf(text as string);
  const length = BigInt(characters.length);
  if (from === undefined) return part === '' ? length : positionOf(text as string, (text as string).lastIndexOf(part as string));
  const offset = from as bigint;
  if (part === '') return offset;
  if (offset < 0n) return outOfRange(offset);
  if (offset >= length) return -1n;
  const before = typeof characters === 'string' ? Number(offset) : characters.slice(0, Number(offset)).join('').length;
  return positionOf(text as string, (text as string).lastIndexOf(part as string, before));
}

function substring(text: Value, start: Value, end?: Value): EvalValue {
  const characters = charactersOf(text as string);
  const length = BigInt(characters.length);
  const from = start as bigint;
  const to = (end as bigint | undefined) ?? length;
  if (end !== undefined && from > to) return new CelError(`invalid substring range. start: ${from.toString()}, end: ${to.toString()}`);
  if (from < 0n || from > length) return outOfRange(from);
  if (to < 0n || to > length) return outOfRange(to);
  return joined(characters.slice(Number(from), Number(to)));
}

/** Like Go's `strings.Replace`; a negative count means all. Throws `BudgetExceeded` for results beyond reason. */
function replace(text: Value, what: Value, by: Value, count: Value = -1n): EvalValue {
  const [source, search, replacement] = [text as string, what as string, by as string];
  const limit = count as bigint;
  if (limit === 0n || search === replacement) return source;
  const parts = search === '' ? ['', ...source, ''] : source.split(search);
  if (search === '' && source === '') parts.pop();
  const times = limit < 0n ? parts.length - 1 : Math.min(Number(limit), parts.length - 1);
  if (source.length + times * replacement.length > maxMade) throw new BudgetExceeded();
  if (times === parts.length - 1) return parts.join(replacement);
  return parts.slice(0, times).join(replacement) + (times > 0 ? replacement : '') + parts.slice(times).join(search);
}

function split(text: Value, separator: Value, count: Value = -1n): EvalValue {
  const limit = count as bigint;
  if (limit === 0n) return new ArrayList([]);
  const parts = separator === '' ? [...(text as string)] : (text as string).split(separator as string);
  if (limit < 0n || limit >= BigInt(parts.length)) return new ArrayList(parts);
  const kept = Number(limit) - 1;
  return new ArrayList([...parts.slice(0, kept), parts.slice(kept).join(separator as string)]);
}

function join(list: Value, separator: Value = ''): EvalValue {
  const parts: string[] = [];
  for (const item of list as CelList) {
    if (typeof item !== 'string') return new CelError(`join: invalid input: ${String(item)}`);
    parts.push(item);
  }
  return parts.join(separator as string);
}

/** Exact before the text is made. */
function joinCost([list, separator]: readonly Value[]): number {
  const items = list as CelList;
  let size = Math.max(0, items.size - 1) * (separator === undefined ? 0 : sizeOf(separator));
  for (const item of items) size += sizeOf(item);
  if (size > maxMade) throw new BudgetExceeded();
  return Math.ceil(size * 2 * traversal);
}

const joinOptions = {
  cost: joinCost,
  estimate: ([list, separator]: readonly ArgumentFacts[]) => {
    const size = joinedSize(list, separator);
    return { cost: scaled(size, traversal), size };
  },
};

const spaces = '[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const outerSpaces = { start: new RegExp(`^${spaces}+`), end: new RegExp(`${spaces}$`) };

/** Spaces as Unicode has them, from both ends, without a pattern that could backtrack. */
function trim(text: string): string {
  let end = text.length;
  while (end > 0 && outerSpaces.end.test(text[end - 1] ?? '')) end -= 1;
  return text.slice(0, end).replace(outerSpaces.start, '');
}

const quotes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};
const ascii = (text: Value, pattern: RegExp, change: (letter: string) => string): string => (text as string).replaceAll(pattern, change);

const transformed = scan(0, 1, true);
const replaced = {
  ...scan(0, 2),
  estimate: (args: readonly ArgumentFacts[]) => {
    const [text = unknownSize, what = unknownSize, by = unknownSize] = args.map((arg) => arg.size);
    return { cost: scaled(text, 2 * traversal), size: replacedSize(text, what, by) };
  },
};
const splitOptions = {
  ...scan(0, 2),
  estimate: (args: readonly ArgumentFacts[]) => {
    const text = args[0]?.size ?? unknownSize;
    const limit = args[2]?.node;
    const max = limit?.kind === 'literal' && limit.value.of === 'int' && limit.value.value >= 0n ? Number(limit.value.value) : text.max;
    return { cost: scaled(text, 2 * traversal), size: { min: 0, max } };
  },
};
const s = stringType;
const strings = listOf(stringType);

/** The extended string functions. */
export const stringFunctions: readonly FunctionDeclaration[] = [
  declare('charAt', member('string_char_at_int', [s, intType], s, charAt)),
  declare(
    'indexOf',
    member('string_index_of_string', [s, s], intType, indexOfText, listPass),
    member('string_index_of_string_int', [s, s, intType], intType, indexOfText, listPass),
  ),
  declare(
    'lastIndexOf',
    member('string_last_index_of_string', [s, s], intType, lastIndexOfText, listPass),
    member('string_last_index_of_string_int', [s, s, intType], intType, lastIndexOfText, listPass),
  ),
  declare(
    'lowerAscii',
    member('string_lower_ascii', [s], s, (text) => ascii(text, /[A-Z]+/g, (one) => one.toLowerCase()), transformed),
  ),
  declare(
    'upperAscii',
    member('string_upper_ascii', [s], s, (text) => ascii(text, /[a-z]+/g, (one) => one.toUpperCase()), transformed),
  ),
  declare(
    'replace',
    member('string_replace_string_string', [s, s, s], s, replace, replaced),
    member('string_replace_string_string_int', [s, s, s, intType], s, replace, replaced),
  ),
  declare(
    'split',
    member('string_split_string', [s, s], strings, split, splitOptions),
    member('string_split_string_int', [s, s, intType], strings, split, splitOptions),
  ),
  declare(
    'substring',
    member('string_substring_int', [s, intType], s, substring, transformed),
    member('string_substring_int_int', [s, intType, intType], s, substring, transformed),
  ),
  declare(
    'trim',
    member('string_trim', [s], s, (text) => trim(text as string), transformed),
  ),
  declare('join', member('list_join', [strings], s, join, joinOptions), member('list_join_string', [strings, s], s, join, joinOptions)),
  declare(
    'format',
    member('string_format', [s, listOf(dynType)], s, (text, args) => formatText(text as string, args as CelList), scan(0)),
  ),
  declare(
    'strings.quote',
    global(
      'strings_quote',
      [s],
      s,

      (text) => `"${(text as string).replaceAll(/[\u0007\b\f\n\r\t\v\\"]/g, (one) => quotes[one] ?? one)}"`,
      scan(0),
    ),
  ),
  declare(
    'jsonpatch.escapeKey',
    global(
      'string_jsonpatch_escapeKey_string',
      [s],
      s,
      (text) => (text as string).replaceAll('~', '~0').replaceAll('/', '~1'),
      transformed,
    ),
  ),
];
