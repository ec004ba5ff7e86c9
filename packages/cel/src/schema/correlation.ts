import { sameJson } from '@bayplan/api';
import type { CelSchema } from './json-schema.ts';
import { valuesOf } from './json-schema.ts';

type Json = Readonly<Record<string, unknown>>;
export const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Finds old elements of a list of type map by their keys. */
export class ElementIndex {
  private readonly byKey = new Map<string, unknown>();
  private readonly keys: readonly string[];
  private readonly schema: CelSchema;

  constructor(schema: CelSchema, old: unknown) {
    this.schema = schema;
    this.keys = schema['x-kubernetes-list-type'] === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : [];
    if (this.keys.length === 0 || !Array.isArray(old)) return;
    for (const element of old) {
      const text = this.textOf(element);
      if (text !== undefined && !this.byKey.has(text)) this.byKey.set(text, element);
    }
  }

  /** The old element with the keys of `element`, or undefined. */
  find(element: unknown): unknown {
    const text = this.byKey.size === 0 ? undefined : this.textOf(element);
    return text === undefined ? undefined : this.byKey.get(text);
  }

  private textOf(element: unknown): string | undefined {
    if (!isObject(element)) return undefined;
    return JSON.stringify(this.keys.map((key) => element[key] ?? this.schema.items?.properties?.[key]?.default ?? null));
  }
}

/** A value with the value that it replaces. Equality is found once, and only when a rule fails. */
export class Correlated {
  private readonly value: unknown;
  private readonly old: unknown;
  private readonly schema: CelSchema;
  private same: boolean | undefined;
  private index: ElementIndex | undefined;

  constructor(value: unknown, old: unknown, schema: CelSchema) {
    this.value = value;
    this.old = old;
    this.schema = schema;
  }

  get unchanged(): boolean {
    const same = this.same ?? (this.value !== undefined && this.old !== undefined && sameJson(this.value, this.old));
    this.same = same;
    return same;
  }

  /** The same of a property or entry; undefined when there is no old one. */
  key(name: string): Correlated | undefined {
    if (!isObject(this.value) || !isObject(this.old)) return undefined;
    if (!Object.hasOwn(this.value, name) || !Object.hasOwn(this.old, name)) return undefined;
    const schema = this.schema.properties?.[name] ?? valuesOf(this.schema);
    return schema === undefined ? undefined : new Correlated(this.value[name], this.old[name], schema);
  }

  /** The same of an element. */
  element(element: unknown): Correlated | undefined {
    this.index ??= new ElementIndex(this.schema, this.old);
    const old = this.index.find(element);
    return old === undefined || this.schema.items === undefined ? undefined : new Correlated(element, old, this.schema.items);
  }
}
