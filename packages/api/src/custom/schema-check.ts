import type { FieldError } from '../errors/field-error.ts';
import type { JSONSchemaProps } from '../generated/types.ts';
import { isJsonObject, memberOf, sameJson } from '../patch/json-value.ts';
import type { Earlier } from './earlier.ts';
import { earlierItems, earlierMember } from './earlier.ts';
import { checkFormat, isKnownFormat } from './formats.ts';
import { checkNumber } from './number-check.ts';
import { bodyFault, enumFault, requiredFault, tooLongFault, tooManyFault, typeFault, typeOfValue, wholeFault } from './value-faults.ts';

/** Whether a text contains a match of a pattern of RE2's syntax. Must take time linear in the text. */
export type PatternMatcher = (pattern: string, text: string) => boolean;

/** What a schema says about a value: its faults, and how many of its checks held, to choose between alternatives. */
interface Outcome {
  readonly faults: FieldError[];
  held: number;
}

/** Validation of values against the OpenAPI part of a structural schema, in the order and words of Kubernetes. */
export class SchemaCheck {
  readonly #matches: PatternMatcher;

  constructor(matches: PatternMatcher) {
    this.#matches = matches;
  }

  /**
   * Every fault of `value`. `path` is where it stands, empty for a whole object. With `earlier`, faults of
   * what an update leaves as it was do not count.
   */
  faults(schema: JSONSchemaProps, value: unknown, path: string, earlier?: Earlier): FieldError[] {
    return this.#check(schema, value, path, earlier).faults;
  }

  #check(schema: JSONSchemaProps, value: unknown, path: string, earlier: Earlier | undefined): Outcome {
    const outcome: Outcome = { faults: [], held: 0 };
    if (value === null || value === undefined) {
      this.#type(schema, null, path, outcome);
      this.#enum(schema, null, path, outcome);
      outcome.held++;
    } else this.#all(schema, value, path, earlier, outcome);
    if (outcome.faults.length > 0 && earlier !== undefined && sameJson(earlier.value, value)) outcome.faults.length = 0;
    return outcome;
  }

  #all(schema: JSONSchemaProps, value: unknown, path: string, earlier: Earlier | undefined, outcome: Outcome): void {
    outcome.held += 2;
    this.#type(schema, value, path, outcome);
    this.#junctors(schema, value, path, earlier, outcome);
    if (typeof value === 'string') this.#text(schema, value, path, outcome);
    else if (typeof value === 'number') checkNumber(schema, value, path, outcome.faults);
    else if (Array.isArray(value)) this.#items(schema, value, path, earlier, outcome);
    this.#enum(schema, value, path, outcome);
    if (isJsonObject(value)) this.#members(schema, value, path, earlier, outcome);
  }

  #type(schema: JSONSchemaProps, value: unknown, path: string, outcome: Outcome): void {
    outcome.held++;
    const wanted = schema['x-kubernetes-int-or-string'] === true ? ['integer', 'string'] : schema.type ? [schema.type] : [];
    const found = typeOfValue(value);
    if (value === null) {
      if (wanted.length > 0 && schema.nullable !== true) outcome.faults.push(typeFault(path, wanted.join(','), 'null'));
      return;
    }
    const numeric = wanted.includes('number') || wanted.includes('integer');
    const fits = wanted.includes(found) || (found === 'integer' && wanted.includes('number'));
    const format = isKnownFormat(schema) ? (schema.format ?? '') : '';
    if (format !== '') {
      const textual = typeof value === 'string' || Array.isArray(value);
      const own = found === 'integer' ? 'int64' : found === 'number' ? 'float64' : '';
      if (!textual && !fits && own !== format) {
        outcome.faults.push(typeFault(path, format, own));
        return;
      }
      // A format speaks for the type of texts.
      if (textual && !numeric) return;
    }
    if (wanted.length > 0 && !fits) outcome.faults.push(typeFault(path, wanted.join(','), found));
  }

  #enum(schema: JSONSchemaProps, value: unknown, path: string, outcome: Outcome): void {
    const { enum: allowed } = schema;
    if (allowed === undefined || allowed.length === 0 || allowed.some((one) => sameJson(one, value))) return;
    outcome.faults.push(enumFault(path, value, allowed));
  }

  #text(schema: JSONSchemaProps, value: string, path: string, outcome: Outcome): void {
    const { maxLength, minLength, pattern } = schema;
    const format = isKnownFormat(schema) ? schema.format : undefined;
    const fault = this.#textFault(value, path, maxLength, minLength, pattern);
    if (fault !== undefined) outcome.faults.push(fault);
    if (format !== undefined && !checkFormat(format, value)) outcome.faults.push(typeFault(path, format, value));
  }

  #textFault(
    value: string,
    path: string,
    maxLength: number | undefined,
    minLength: number | undefined,
    pattern: string | undefined,
  ): FieldError | undefined {
    if (maxLength !== undefined && value.length > maxLength && runesOf(value) > maxLength) return tooLongFault(path, maxLength);
    if (minLength !== undefined && runesOf(value) < minLength) {
      return bodyFault(path, value, `should be at least ${minLength.toString()} chars long`);
    }
    if (pattern && !this.#matches(pattern, value)) return bodyFault(path, value, `should match '${pattern}'`);
    return undefined;
  }

  #items(schema: JSONSchemaProps, value: readonly unknown[], path: string, earlier: Earlier | undefined, outcome: Outcome): void {
    const { items, minItems, maxItems } = schema;
    if (items !== undefined && !Array.isArray(items)) {
      const before = earlierItems(earlier, schema);
      value.forEach((item, at) => {
        this.#merge(outcome, this.#check(items, item, `${path}[${at.toString()}]`, before(item)));
      });
    }
    if (minItems !== undefined && value.length < minItems)
      outcome.faults.push(bodyFault(path, value.length, `should have at least ${minItems.toString()} items`));
    if (maxItems !== undefined && value.length > maxItems) outcome.faults.push(tooManyFault(path, value.length, maxItems));
  }

  #members(schema: JSONSchemaProps, value: Record<string, unknown>, path: string, earlier: Earlier | undefined, outcome: Outcome): void {
    const { properties = {}, additionalProperties, required = [], minProperties, maxProperties } = schema;
    const names = Object.keys(value);
    if (minProperties !== undefined && names.length < minProperties)
      outcome.faults.push(bodyFault(path, names.length, `should have at least ${minProperties.toString()} properties`));
    if (maxProperties !== undefined && names.length > maxProperties) outcome.faults.push(tooManyFault(path, names.length, maxProperties));
    if (additionalProperties === false) {
      for (const name of names) if (!Object.hasOwn(properties, name)) outcome.faults.push(forbiddenProperty(path, name));
    }
    for (const name of names) {
      const known = memberOf(properties, name) as JSONSchemaProps | undefined;
      const below = known ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
      if (below === undefined) continue;
      const place = known !== undefined && path === '' ? name : `${path}.${name}`;
      this.#merge(outcome, this.#check(below, value[name], place, earlierMember(earlier, schema, name, path)));
    }
    for (const name of required) if (!Object.hasOwn(value, name)) outcome.faults.push(requiredFault(`${path}.${name}`));
  }

  #junctors(schema: JSONSchemaProps, value: unknown, path: string, earlier: Earlier | undefined, outcome: Outcome): void {
    const { anyOf, oneOf, allOf, not } = schema;
    outcome.held++;
    const place = JSON.stringify(path);
    if (anyOf !== undefined && anyOf.length > 0) {
      const { valid, best } = this.#alternatives(anyOf, value, path, earlier, true);
      if (valid === 0) {
        outcome.faults.push(wholeFault(`${place} must validate at least one schema (anyOf)`));
        if (best) this.#merge(outcome, best);
      }
    }
    if (oneOf !== undefined && oneOf.length > 0) {
      const { valid, best } = this.#alternatives(oneOf, value, path, earlier, false);
      if (valid !== 1) {
        const how = valid === 0 ? 'Found none valid' : `Found ${valid.toString()} valid alternatives`;
        outcome.faults.push(wholeFault(`${place} must validate one and only one schema (oneOf). ${how}`));
        if (valid === 0 && best) this.#merge(outcome, best);
      }
    }
    if (allOf !== undefined && allOf.length > 0) {
      let valid = 0;
      for (const one of allOf) {
        const result = this.#check(one, value, path, earlier);
        if (result.faults.length === 0) valid++;
        this.#merge(outcome, result);
      }
      if (valid !== allOf.length)
        outcome.faults.push(wholeFault(`${place} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`));
    }
    if (not !== undefined && this.#check(not, value, path, earlier).faults.length === 0)
      outcome.faults.push(wholeFault(`${place} must not validate the schema (not)`));
  }

  /** How many alternatives hold, and of those that do not the one that came closest. */
  #alternatives(
    schemas: readonly JSONSchemaProps[],
    value: unknown,
    path: string,
    earlier: Earlier | undefined,
    first: boolean,
  ): { valid: number; best: Outcome | undefined } {
    let valid = 0;
    let best: Outcome | undefined;
    for (const schema of schemas) {
      const result = this.#check(schema, value, path, earlier);
      if (result.faults.length === 0) {
        valid++;
        if (first) break;
      } else if (best === undefined || result.held > best.held) best = result;
    }
    return { valid, best };
  }

  #merge(into: Outcome, other: Outcome): void {
    into.held += other.held;
    for (const fault of other.faults) into.faults.push(fault);
  }
}

function forbiddenProperty(path: string, name: string): FieldError {
  return { ...bodyFault(path, name, ''), body: `Invalid value: ${JSON.stringify(name)}: ${path}.${name} in body is a forbidden property` };
}

/** Characters, of which one outside the basic plane counts once. */
function runesOf(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0xd800 && code < 0xdc00 && at + 1 < text.length) {
      count--;
      at++;
    }
  }
  return count;
}
