import type { FieldError } from '../errors/field-error.ts';
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import type { JSONSchemaProps } from '../generated/types.ts';
import { itemsOf, valuesOf } from './structural-faults.ts';

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

/** What is known about a place in the schema from the way to it. */
interface Place {
  /** Why there may be no default; undefined where one may be. */
  readonly noDefault?: string | undefined;
  readonly insideMeta: boolean;
}

/** What of OpenAPI a definition's schema may not use, or uses wrongly. */
export function schemaFaults(schema: JSONSchemaProps, path: FieldPath): FieldError[] {
  const faults: FieldError[] = [];
  walk(schema, path, { insideMeta: false }, true, faults);
  return faults;
}

function walk(schema: JSONSchemaProps, path: FieldPath, place: Place, isRoot: boolean, faults: FieldError[]): void {
  checkKeywords(schema, path, place, faults);
  if (schema.uniqueItems === true)
    faults.push(
      fieldForbidden(path.child('uniqueItems'), 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'),
    );
  const { properties = {}, additionalProperties } = schema;
  if (additionalProperties !== undefined) {
    if (Object.keys(properties).length > 0 && additionalProperties !== true)
      faults.push(fieldForbidden(path.child('additionalProperties'), 'additionalProperties and properties are mutual exclusive'));
    const values = valuesOf(schema);
    const below = place.insideMeta ? { ...place, noDefault: 'inside additionalProperties applying to object metadata' } : place;
    if (values !== undefined) walk(values, path.child('additionalProperties'), below, false, faults);
  }
  for (const [name, property] of Object.entries(properties)) {
    const isMeta = (isRoot || schema['x-kubernetes-embedded-resource'] === true) && ['metadata', 'kind', 'apiVersion'].includes(name);
    const below = isMeta ? { insideMeta: true, noDefault: isRoot ? `in top-level ${name}` : place.noDefault } : place;
    walk(property, path.child('properties').key(name), below, false, faults);
  }
  if (schema.not !== undefined) walk(schema.not, path.child('not'), place, false, faults);
  for (const junctor of ['allOf', 'oneOf', 'anyOf'] as const)
    (schema[junctor] ?? []).forEach((one, at) => walk(one, path.child(junctor).index(at), place, false, faults));
  const items = itemsOf(schema);
  if (items !== undefined) walk(items, path.child('items'), place, false, faults);
  checkKubernetes(schema, path, faults);
}

function checkKeywords(schema: JSONSchemaProps, path: FieldPath, place: Place, faults: FieldError[]): void {
  if (schema.type && !types.includes(schema.type)) faults.push(fieldNotSupported(path.child('type'), schema.type, types));
  if (schema.default !== undefined && place.noDefault !== undefined)
    faults.push(fieldForbidden(path.child('default'), `must not be set ${place.noDefault}`));
  if (schema.id) faults.push(fieldForbidden(path.child('id'), 'id is not supported'));
  for (const name of ['additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const)
    if (schema[name] !== undefined) faults.push(fieldForbidden(path.child(name), `${name} is not supported`));
  if (schema.type === 'null') faults.push(fieldForbidden(path.child('type'), 'type cannot be set to null, use nullable as an alternative'));
  if (Array.isArray(schema.items)) faults.push(fieldForbidden(path.child('items'), 'items must be a schema object and not an array'));
  if (place.insideMeta && schema['x-kubernetes-embedded-resource'] === true)
    faults.push(fieldForbidden(path.child('x-kubernetes-embedded-resource'), 'must not be used inside of resource meta'));
}

function checkKubernetes(schema: JSONSchemaProps, path: FieldPath, faults: FieldError[]): void {
  const preserve = schema['x-kubernetes-preserve-unknown-fields'];
  if (preserve === false) faults.push(fieldInvalid(path.child('x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined'));
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType !== undefined) {
    checkTypeFor(schema, 'object', 'x-kubernetes-map-type', path, faults);
    if (mapType !== 'atomic' && mapType !== 'granular')
      faults.push(fieldNotSupported(path.child('x-kubernetes-map-type'), mapType, ['atomic', 'granular']));
  }
  const listType = schema['x-kubernetes-list-type'];
  if (listType !== undefined) {
    checkTypeFor(schema, 'array', 'x-kubernetes-list-type', path, faults);
    if (schema.type === 'array' && listType === 'set') checkSetItems(schema, path, faults);
    if (!['atomic', 'set', 'map'].includes(listType))
      faults.push(fieldNotSupported(path.child('x-kubernetes-list-type'), listType, ['atomic', 'set', 'map']));
  }
  checkListKeys(schema, path, faults);
}

function checkTypeFor(schema: JSONSchemaProps, type: string, extension: string, path: FieldPath, faults: FieldError[]): void {
  if (schema.type === type) return;
  const why = `must be ${type} if ${extension} is specified`;
  faults.push(schema.type ? fieldInvalid(path.child('type'), schema.type, why) : fieldRequired(path.child('type'), why));
}

function checkSetItems(schema: JSONSchemaProps, path: FieldPath, faults: FieldError[]): void {
  const items = itemsOf(schema);
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const listType = items?.['x-kubernetes-list-type'];
  const mapType = items?.['x-kubernetes-map-type'];
  if (items?.type === 'array' && listType !== undefined && listType !== 'atomic')
    faults.push(fieldInvalid(path.child('items', 'x-kubernetes-list-type'), listType, why));
  if (items?.type === 'object' && mapType !== 'atomic')
    faults.push(fieldInvalid(path.child('items', 'x-kubernetes-map-type'), mapType ?? null, why));
}

function checkListKeys(schema: JSONSchemaProps, path: FieldPath, faults: FieldError[]): void {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const at = path.child('x-kubernetes-list-map-keys');
  if (keys.length > 0 && listType !== 'map') {
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty';
    const where = path.child('x-kubernetes-list-type');
    faults.push(listType === undefined ? fieldRequired(where, why) : fieldInvalid(where, listType, why));
  }
  const items = itemsOf(schema);
  if (listType === 'map') {
    if (keys.length === 0) faults.push(fieldRequired(at, 'must not be empty if x-kubernetes-list-type is map'));
    if (schema.items === undefined) faults.push(fieldRequired(path.child('items'), 'must have a schema if x-kubernetes-list-type is map'));
    if (items !== undefined && items.type !== 'object') {
      const why = "must be object if parent array's x-kubernetes-list-type is map";
      faults.push(fieldInvalid(path.child('items', 'type'), items.type ?? '', why));
    }
    if (items?.type === 'object') checkKeyProperties(items, keys, path, faults);
  }
  if (items === undefined || (listType !== 'map' && listType !== 'set')) return;
  if (items.nullable === true)
    faults.push(fieldForbidden(path.child('items', 'nullable'), `cannot be nullable when x-kubernetes-list-type is ${listType}`));
  if (listType === 'map') checkKeysAreSet(items, keys, path, faults);
}

function checkKeyProperties(items: JSONSchemaProps, keys: readonly string[], path: FieldPath, faults: FieldError[]): void {
  const at = path.child('x-kubernetes-list-map-keys');
  const seen = new Set<string>();
  for (const key of keys) {
    const property = items.properties?.[key];
    if (property === undefined) faults.push(fieldInvalid(at, keys, 'entries must all be names of item properties'));
    else if (property.type === 'array' || property.type === 'object') {
      const why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
      faults.push(fieldInvalid(path.child('items', 'properties').key(key).child('type'), items.type, why));
    }
    if (seen.has(key)) faults.push(fieldInvalid(at, keys, 'must not contain duplicate entries'));
    seen.add(key);
  }
}

function checkKeysAreSet(items: JSONSchemaProps, keys: readonly string[], path: FieldPath, faults: FieldError[]): void {
  for (const key of keys) {
    const property = items.properties?.[key];
    if (property === undefined) continue;
    const at = path.child('items', 'properties').key(key);
    if (items.required?.includes(key) !== true && property.default === undefined) {
      const why = 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
      faults.push(fieldRequired(at.child('default'), why));
    }
    if (property.nullable === true)
      faults.push(fieldForbidden(at.child('nullable'), 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'));
  }
}
