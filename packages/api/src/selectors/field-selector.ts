import { badRequest } from '../errors/constructors.ts';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** Requirements on single fields that all must hold. Immutable. */
export class FieldSelector {
  readonly requirements: readonly FieldRequirement[];

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements;
  }

  get isEverything(): boolean {
    return this.requirements.length === 0;
  }

  /** `valueOf` answers a field's value, `''` when it is unset. */
  matches(valueOf: (field: string) => string): boolean {
    for (const { field, operator, value } of this.requirements) if ((valueOf(field) === value) !== (operator === '=')) return false;
    return true;
  }

  /** The one value that `field` must have, when the selector says so; for index look-ups. */
  exactValue(field: string): string | undefined {
    return this.requirements.find((one) => one.field === field && one.operator === '=')?.value;
  }

  toString(): string {
    return this.requirements.map(({ field, operator, value }) => `${field}${operator}${escapeValue(value)}`).join(',');
  }
}

function escapeValue(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}

function unescapeValue(text: string, whole: string): string {
  let plain = '';
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '\\') {
      at++;
      const escaped = text.charAt(at);
      if (escaped !== '\\' && escaped !== ',' && escaped !== '=')
        throw badRequest(`invalid field selector: invalid escape sequence: \\${escaped}`);
      plain += escaped;
    } else if (character === '=' || character === ',') throw badRequest(`invalid selector: '${whole}'; can't understand '${text}'`);
    else plain += character;
  }
  return plain;
}

/** Splits at commas that no backslash escapes. */
function terms(text: string): string[] {
  const found: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text.charAt(at) === '\\') at++;
    else if (text.charAt(at) === ',') {
      found.push(text.slice(start, at));
      start = at + 1;
    }
  }
  found.push(text.slice(start));
  return found.filter((term) => term !== '');
}

/**
 * Parses `spec.nodeName=a,status.phase!=Running`. Empty text matches everything.
 * @throws StatusError BadRequest with Kubernetes' text.
 */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements = terms(text).map((term): FieldRequirement => {
    const match = /^([^=!]*)(!=|==|=)(.*)$/s.exec(term);
    if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, field = '', operator = '', value = ''] = match;
    return { field, operator: operator === '!=' ? '!=' : '=', value: unescapeValue(value, text) };
  });
  return new FieldSelector(requirements);
}

/** The refusal of a field that a resource has no index for. */
export function checkFieldLabels(selector: FieldSelector, known: ReadonlySet<string>): void {
  for (const { field } of selector.requirements) {
    if (known.has(field)) continue;
    // Resources without fields of their own share one text.
    if (known.size === 2) throw badRequest(`"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`);
    throw badRequest(`field label not supported: ${field}`);
  }
}
