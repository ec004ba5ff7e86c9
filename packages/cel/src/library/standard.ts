import type { FunctionDeclaration } from '../check/declarations.ts';
import { declare, global, member } from '../check/declarations.ts';
import { affix, regexMatch, substringSearch } from '../cost/call-costs.ts';
import { spend } from '../eval/work.ts';
import type { CelType } from '../types/types.ts';
import { boolType, bytesType, dynType, intType, listOf, mapOf, optionalOf, paramOf, stringType, typeOf } from '../types/types.ts';
import { runtimeType } from '../values/fits.ts';
import type { EvalValue, Value } from '../values/value.ts';
import { CelError, CelList, CelMap, CelTypeValue } from '../values/value.ts';
import { regexOf } from './regex-engine.ts';

/** Characters, counted as code points. */
export function characters(text: string): number {
  spend(text.length / 10);
  let pairs = 0;
  for (let at = 0; at < text.length; at += 1) if ((text.charCodeAt(at) & 0xfc00) === 0xd800) pairs += 1;
  return text.length - pairs;
}

function sizeValue(value: Value): EvalValue {
  if (typeof value === 'string') return BigInt(characters(value));
  if (value instanceof Uint8Array) return BigInt(value.length);
  return value instanceof CelList || value instanceof CelMap ? BigInt(value.size) : new CelError('no such overload: size');
}

function matches(text: Value, pattern: Value): EvalValue {
  const regex = regexOf(pattern as string);
  return regex instanceof CelError ? regex : regex.matcher(text as string).find();
}

const sized: readonly (readonly [string, CelType])[] = [
  ['string', stringType],
  ['bytes', bytesType],
  ['list', listOf(paramOf('A'))],
  ['map', mapOf(paramOf('A'), paramOf('B'))],
];

const text2 = [stringType, stringType];

/** Functions of the language itself, without operators, conversions and time. */
export const standardFunctions: readonly FunctionDeclaration[] = [
  declare(
    'size',
    ...sized.map(([name, type]) => global(`size_${name}`, [type], intType, sizeValue)),
    ...sized.map(([name, type]) => member(`${name}_size`, [type], intType, sizeValue)),
  ),
  declare(
    'contains',
    member('contains_string', text2, boolType, (text, part) => (text as string).includes(part as string), substringSearch),
  ),
  declare(
    'startsWith',
    member('starts_with_string', text2, boolType, (text, part) => (text as string).startsWith(part as string), affix),
  ),
  declare(
    'endsWith',
    member('ends_with_string', text2, boolType, (text, part) => (text as string).endsWith(part as string), affix),
  ),
  declare(
    'matches',
    member('matches_string', text2, boolType, matches, regexMatch(false)),
    global('matches', text2, boolType, matches, regexMatch(false)),
  ),
  declare(
    'type',
    global('type', [paramOf('A')], typeOf(paramOf('A')), (value) => new CelTypeValue(runtimeType(value))),
  ),
];

/** Types that expressions can name. */
export const standardTypes: readonly (readonly [string, CelType])[] = [
  ['bool', boolType],
  ['int', intType],
  ['uint', { kind: 'uint' }],
  ['double', { kind: 'double' }],
  ['string', stringType],
  ['bytes', bytesType],
  ['list', listOf(dynType)],
  ['map', mapOf(dynType, dynType)],
  ['null_type', { kind: 'null' }],
  ['type', typeOf(undefined)],
  ['dyn', dynType],
  ['optional_type', optionalOf(dynType)],
  ['google.protobuf.Timestamp', { kind: 'timestamp' }],
  ['google.protobuf.Duration', { kind: 'duration' }],
];
