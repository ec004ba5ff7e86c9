import type { FieldError } from '../errors/field-error.ts';
import { fieldErrorText, fieldForbidden, fieldInvalid, fieldRequired } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import type { JSONSchemaProps } from '../generated/types.ts';
import { sameJson } from '../patch/json-value.ts';

type Level = 'root' | 'item' | 'field';

/** Why a pattern is none; undefined when it is one. */
export type PatternFault = (pattern: string) => string | undefined;

const intOrString: readonly JSONSchemaProps[] = [{ type: 'integer' }, { type: 'string' }];

/** What keeps a schema from being structural, sorted by text as Kubernetes does. */
export function structuralFaults(schema: JSONSchemaProps, path: FieldPath, patternFault: PatternFault): FieldError[] {
  const walk = new StructuralWalk(patternFault);
  walk.invariants(schema, 'root', path);
  walk.completeness(schema, schema, path, path);
  const texts = new Map(walk.faults.map((fault) => [fault, fieldErrorText(fault)]));
  return walk.faults.sort((one, other) => ((texts.get(one) ?? '') < (texts.get(other) ?? '') ? -1 : 1));
}

/** The one schema of a list's items; lists of schemas are refused elsewhere. */
export function itemsOf({ items }: JSONSchemaProps): JSONSchemaProps | undefined {
  return Array.isArray(items) ? undefined : items;
}

/** The schema of additional properties; a boolean has none. */
export function valuesOf({ additionalProperties }: JSONSchemaProps): JSONSchemaProps | undefined {
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

class StructuralWalk {
  readonly faults: FieldError[] = [];
  readonly #patternFault: PatternFault;

  constructor(patternFault: PatternFault) {
    this.#patternFault = patternFault;
  }

  invariants(schema: JSONSchemaProps, level: Level, path: FieldPath): void {
    const { type = '', properties = {}, additionalProperties } = schema;
    const items = itemsOf(schema);
    const embedded = schema['x-kubernetes-embedded-resource'] === true;
    const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true;
    if (type === 'array' && items === undefined) this.faults.push(fieldRequired(path.child('items'), 'must be specified'));
    if (items !== undefined) this.invariants(items, 'item', path.child('items'));
    for (const [name, property] of Object.entries(properties)) this.invariants(property, 'field', path.child('properties').key(name));
    if (additionalProperties !== undefined) {
      if (level === 'root') this.faults.push(fieldForbidden(path.child('additionalProperties'), 'must not be used at the root'));
      if (typeof additionalProperties === 'object') this.invariants(additionalProperties, 'field', path.child('additionalProperties'));
    }
    this.#extensions(schema, path);
    const anyOfIsType = sameJson(schema.anyOf, intOrString);
    const allOfIsType = sameJson(schema.allOf?.[0]?.anyOf, intOrString);
    this.#values(schema, anyOfIsType, allOfIsType, path);
    this.#type(schema, level, path);
    if (embedded && additionalProperties !== undefined)
      this.faults.push(fieldForbidden(path.child('additionalProperties'), 'must not be used if x-kubernetes-embedded-resource is set'));
    if (level === 'root' && type !== '' && type !== 'object')
      this.faults.push(fieldInvalid(path.child('type'), type, 'must be object at the root'));
    this.#metadata(schema, level, path);
    if (embedded && !preserves && Object.keys(properties).length === 0) {
      const why = 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
      this.faults.push(fieldRequired(path.child('properties'), why));
    }
  }

  #type(schema: JSONSchemaProps, level: Level, path: FieldPath): void {
    const { type = '' } = schema;
    if (schema['x-kubernetes-embedded-resource'] === true && type !== 'object') {
      const why = 'must be object if x-kubernetes-embedded-resource is true';
      this.faults.push(type === '' ? fieldRequired(path.child('type'), why) : fieldInvalid(path.child('type'), type, why));
    } else if (type === '' && schema['x-kubernetes-int-or-string'] !== true && schema['x-kubernetes-preserve-unknown-fields'] !== true) {
      const why = {
        root: 'must not be empty at the root',
        item: 'must not be empty for specified array items',
        field: 'must not be empty for specified object fields',
      };
      this.faults.push(fieldRequired(path.child('type'), why[level]));
    }
  }

  #extensions(schema: JSONSchemaProps, path: FieldPath): void {
    if (schema['x-kubernetes-int-or-string'] !== true) return;
    for (const name of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const)
      if (schema[name] === true)
        this.faults.push(fieldInvalid(path.child(name), true, 'must be false if x-kubernetes-int-or-string is true'));
  }

  #metadata(schema: JSONSchemaProps, level: Level, path: FieldPath): void {
    const { properties = {} } = schema;
    const checked = level === 'root' || schema['x-kubernetes-embedded-resource'] === true;
    const at = (name: string): FieldPath => path.child('properties').key(name);
    for (const name of ['kind', 'apiVersion']) {
      const property = properties[name];
      if (checked && property !== undefined && property.type !== 'string')
        this.faults.push(fieldInvalid(at(name).child('type'), property.type ?? '', 'must be string'));
    }
    const { metadata } = properties;
    if (metadata === undefined) return;
    if (checked && metadata.type !== 'object')
      this.faults.push(fieldInvalid(at('metadata').child('type'), metadata.type ?? '', 'must be object'));
    if (level === 'root' && !restrictsNamesOnly(metadata)) {
      const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
      this.faults.push(fieldForbidden(at('metadata'), why));
    }
  }

  #values(schema: JSONSchemaProps, skipAnyOf: boolean, skipFirstAllOfAnyOf: boolean, path: FieldPath): void {
    if (!skipAnyOf) (schema.anyOf ?? []).forEach((one, at) => this.#nested(one, false, path.child('anyOf').index(at)));
    (schema.allOf ?? []).forEach((one, at) => this.#nested(one, skipFirstAllOfAnyOf && at === 0, path.child('allOf').index(at)));
    (schema.oneOf ?? []).forEach((one, at) => this.#nested(one, false, path.child('oneOf').index(at)));
    if (schema.not !== undefined) this.#nested(schema.not, false, path.child('not'));
    if (schema.pattern) {
      const fault = this.#patternFault(schema.pattern);
      if (fault !== undefined)
        this.faults.push(fieldInvalid(path.child('pattern'), schema.pattern, `must be a valid regular expression, but isn't: ${fault}`));
    }
  }

  /** A schema under a junctor only restricts values: what is there is said outside of it. */
  #nested(schema: JSONSchemaProps, skipAnyOf: boolean, path: FieldPath): void {
    this.#values(schema, skipAnyOf, false, path);
    const items = itemsOf(schema);
    if (items !== undefined) this.#nested(items, false, path.child('items'));
    for (const [name, property] of Object.entries(schema.properties ?? {}))
      this.#nested(property, false, path.child('properties').key(name));
    const forbid = (name: string, text: string): void =>
      void this.faults.push(fieldForbidden(path.child(name), `${text} to be structural`));
    if (schema.type) forbid('type', 'must be empty');
    if (schema.additionalProperties !== undefined) forbid('additionalProperties', 'must be undefined');
    if (schema.default !== undefined) forbid('default', 'must be undefined');
    if (schema.title) forbid('title', 'must be empty');
    if (schema.description) forbid('description', 'must be empty');
    if (schema.nullable === true) forbid('nullable', 'must be false');
    for (const name of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource', 'x-kubernetes-int-or-string'] as const)
      if (schema[name] === true) forbid(name, 'must be false');
    if ((schema['x-kubernetes-list-map-keys'] ?? []).length > 0) forbid('x-kubernetes-list-map-keys', 'must be empty');
    for (const name of ['x-kubernetes-list-type', 'x-kubernetes-map-type'] as const)
      if (schema[name] !== undefined) forbid(name, 'must be undefined');
    if ((schema['x-kubernetes-validations'] ?? []).length > 0) forbid('x-kubernetes-validations', 'must be empty');
    if (schema.properties?.['metadata'] !== undefined)
      this.faults.push(fieldForbidden(path.child('properties').key('metadata'), 'must not be specified in a nested context'));
  }

  /** Every field that a junctor restricts must be specified outside of it. */
  completeness(values: JSONSchemaProps, schema: JSONSchemaProps | undefined, at: FieldPath, from: FieldPath): void {
    const nested = (one: JSONSchemaProps, path: FieldPath): void => this.#nestedCompleteness(one, schema, at, path);
    if (values.not !== undefined) nested(values.not, from.child('not'));
    for (const junctor of ['allOf', 'anyOf', 'oneOf'] as const)
      (values[junctor] ?? []).forEach((one, index) => nested(one, from.child(junctor).index(index)));
  }

  #nestedCompleteness(values: JSONSchemaProps, schema: JSONSchemaProps | undefined, at: FieldPath, from: FieldPath): void {
    if (schema === undefined) {
      this.faults.push(fieldRequired(at, `because it is defined in ${from.toString()}`));
      return;
    }
    this.completeness(values, schema, at, from);
    const items = itemsOf(values);
    if (items !== undefined) this.#nestedCompleteness(items, itemsOf(schema), at.child('items'), from.child('items'));
    for (const [name, property] of Object.entries(values.properties ?? {})) {
      const here = at.child('properties').key(name);
      this.#nestedCompleteness(property, schema.properties?.[name], here, from.child('properties').key(name));
    }
  }
}

function restrictsNamesOnly(metadata: JSONSchemaProps): boolean {
  const rest = { ...metadata };
  const names = Object.keys(rest.properties ?? {});
  if (names.length > 0 && names.every((name) => name === 'name' || name === 'generateName')) delete rest.properties;
  delete rest.type;
  delete rest.default;
  return Object.values(rest).every((value) => value === undefined);
}
