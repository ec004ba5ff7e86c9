import { dns1035LabelFaults, dns1123LabelFaults, dns1123SubdomainFaults, labelValueFaults, qualifiedNameFaults } from '@bayplan/api';
import type { FunctionDeclaration } from '../check/declarations.ts';
import { declare, global, member } from '../check/declarations.ts';
import { constant, fixedRegex } from '../cost/call-costs.ts';
import { listOf, objectType, optionalOf, stringType } from '../types/types.ts';
import { parseTimestamp } from '../values/time-text.ts';
import type { EvalValue, Value } from '../values/value.ts';
import { ArrayList, CelError, CelObject, CelOptional } from '../values/value.ts';
import { urlFault } from './url.ts';

export const formatType = objectType('kubernetes.NamedFormat', {});
type Faults = (text: string) => readonly string[];

class CelFormat extends CelObject {
  readonly type = formatType;
  readonly name: string;
  readonly faults: Faults;
  readonly regexLength: number;

  constructor(name: string, faults: Faults, regexLength: number) {
    super();
    this.name = name;
    this.faults = faults;
    this.regexLength = regexLength;
  }

  override equalTo(other: CelObject): boolean {
    return other instanceof CelFormat && other.name === this.name;
  }
}

/** A prefix may end in a dash: the name goes on after it. */
const prefix =
  (faults: Faults): Faults =>
  (text) =>
    faults(text.endsWith('-') ? `${text.slice(0, -1)}a` : text);
const unless =
  (holds: (text: string) => boolean, fault: string): Faults =>
  (text) =>
    holds(text) ? [] : [fault];
const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const base64 = (text: string): boolean => text.length % 4 === 0 && text !== '' && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
const isTime = (text: string): boolean => !(parseTimestamp(text) instanceof CelError);

const formats: readonly (readonly [string, CelFormat])[] = [
  ['dns1123Label', new CelFormat('DNS1123Label', dns1123LabelFaults, 30)],
  ['dns1123Subdomain', new CelFormat('DNS1123Subdomain', dns1123SubdomainFaults, 60)],
  ['dns1035Label', new CelFormat('DNS1035Label', dns1035LabelFaults, 30)],
  ['qualifiedName', new CelFormat('QualifiedName', qualifiedNameFaults, 60)],
  ['dns1123LabelPrefix', new CelFormat('DNS1123LabelPrefix', prefix(dns1123LabelFaults), 30)],
  ['dns1123SubdomainPrefix', new CelFormat('DNS1123SubdomainPrefix', prefix(dns1123SubdomainFaults), 60)],
  ['dns1035LabelPrefix', new CelFormat('DNS1035LabelPrefix', prefix(dns1035LabelFaults), 30)],
  ['labelValue', new CelFormat('LabelValue', labelValueFaults, 40)],
  [
    'uri',
    new CelFormat(
      'URI',
      (text) => {
        const fault = urlFault(text);
        return fault === undefined ? [] : [fault];
      },
      1700,
    ),
  ],
  [
    'uuid',
    new CelFormat(
      'uuid',
      unless((text) => uuid.test(text), 'does not match the UUID format'),
      90,
    ),
  ],
  ['byte', new CelFormat('byte', unless(base64, 'invalid base64'), 80)],
  [
    'date',
    new CelFormat(
      'date',
      unless((text) => isTime(`${text}T00:00:00Z`), 'invalid date'),
      110,
    ),
  ],
  ['datetime', new CelFormat('datetime', unless(isTime, 'invalid datetime'), 110)],
];
const byName = new Map(formats);

function validate(format: Value, text: Value): EvalValue {
  const faults = (format as CelFormat).faults(text as string);
  return faults.length === 0 ? CelOptional.none : new CelOptional(new ArrayList([...faults]));
}

function named(name: Value): EvalValue {
  const found = byName.get(name as string);
  return found === undefined ? CelOptional.none : new CelOptional(found);
}

const estimated = fixedRegex(128);

/** Named formats: `format.dns1123Label().validate(x)`. */
export const formatFunctions: readonly FunctionDeclaration[] = [
  ...formats.map(([name, format]) =>
    declare(
      `format.${name}`,
      global(`format.${name}`, [], formatType, () => format),
    ),
  ),
  declare('format.named', global('format-named', [stringType], optionalOf(formatType), named, constant(1))),
  declare(
    'validate',
    member('format-validate', [formatType, stringType], optionalOf(listOf(stringType)), validate, {
      ...estimated,
      cost: ([format, text]) => fixedRegex((format as CelFormat).regexLength).cost?.([format ?? null, text ?? null]) ?? 1,
    }),
  ),
];
