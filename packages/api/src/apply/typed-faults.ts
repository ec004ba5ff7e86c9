import { statusError } from '../errors/status.ts';
import type { StatusError } from '../errors/status.ts';
import type { KubeObject } from '../object.ts';
import { isJsonObject, memberOf } from '../patch/json-value.ts';
import type { JsonObject } from '../patch/json-value.ts';
import type { Descriptor, ListDescriptor, ObjectDescriptor } from '../schema/descriptor.ts';
import { stepText } from './field-set.ts';
import { fieldOf, stepOfItem } from './typed-value.ts';

const maxFaults = 50;

/**
 * What keeps an applied configuration from being taken as fields of its type: fields that the schema does not
 * have, list items that cannot be told apart. In document order, at most fifty.
 */
export function typedFaults(value: unknown, descriptor: Descriptor): string[] {
  const faults: string[] = [];
  visit(value, descriptor, '', faults);
  return faults;
}

/** Kubernetes' refusal of an applied configuration that has faults, which is not one of its usual reasons. */
export function typedFailure(applied: KubeObject, faults: readonly string[]): StatusError {
  const { metadata, apiVersion = '', kind = '' } = applied;
  const what = `${metadata.namespace ?? ''}/${metadata.name ?? ''}; ${apiVersion}, Kind=${kind}`;
  const text = faults.length === 1 ? faults[0] : ['errors:', ...faults.map((fault) => `  ${fault}`)].join('\n');
  return statusError(500, '', `failed to create typed patch object (${what}): ${text ?? ''}`);
}

function visit(value: unknown, descriptor: Descriptor, path: string, faults: string[]): void {
  if (value === null || value === undefined || faults.length >= maxFaults) return;
  switch (descriptor.type) {
    case 'object':
      if (isJsonObject(value)) visitFields(value, descriptor, path, faults);
      else faults.push(`${path}: expected map, got ${textOf(value)}`);
      return;
    case 'map':
      if (!isJsonObject(value)) faults.push(`${path}: expected map, got ${textOf(value)}`);
      else for (const [name, member] of Object.entries(value)) visit(member, descriptor.values, `${path}.${name}`, faults);
      return;
    case 'list':
      if (Array.isArray(value)) visitItems(value, descriptor, path, faults);
      else faults.push(`${path}: expected list, got ${textOf(value)}`);
      return;
    case 'scalar':
    case 'any':
  }
}

function visitFields(value: JsonObject, descriptor: ObjectDescriptor, path: string, faults: string[]): void {
  for (const [name, member] of Object.entries(value)) {
    const field = fieldOf(descriptor, name);
    if (field !== undefined) visit(member, field.value, `${path}.${name}`, faults);
    else if (!descriptor.preserveUnknown && !isOwnType(descriptor, name, path))
      faults.push(`${path}.${name}: field not declared in schema`);
  }
}

/** A custom resource's schema need not list what every object has. */
function isOwnType(descriptor: ObjectDescriptor, name: string, path: string): boolean {
  return (descriptor.embeddedResource || (descriptor.dynamic === true && path === '')) && /^(apiVersion|kind|metadata)$/.test(name);
}

function visitItems(items: readonly unknown[], list: ListDescriptor, path: string, faults: string[]): void {
  const seen = new Set<string>();
  for (const [at, item] of items.entries()) {
    if (list.listType === 'atomic') {
      visit(item, list.items, `${path}[${at.toString()}]`, faults);
      continue;
    }
    const fault = list.listType === 'map' ? keyFault(item, list) : undefined;
    if (fault !== undefined) {
      faults.push(`${path}: element ${at.toString()}: ${fault}`);
      continue;
    }
    const step = stepOfItem(list, item);
    const text = stepText(step);
    if (seen.has(step)) faults.push(`${path}: duplicate entries for key ${text}`);
    seen.add(step);
    visit(item, list.items, path + text, faults);
  }
}

function keyFault(item: unknown, list: ListDescriptor): string | undefined {
  if (!isJsonObject(item)) return 'associative list with keys may not have non-map elements';
  const missing = list.keys.filter((key) => memberOf(item, key) === undefined && fieldOf(list.items, key)?.default === undefined);
  if (missing.length < list.keys.length || missing[0] === undefined) return undefined;
  return `associative list with keys has an element that omits key field ${JSON.stringify(missing[0])} (and doesn't have default value)`;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return '&{[]}';
  return isJsonObject(value) ? '&{map[]}' : `&{${String(value)}}`;
}
