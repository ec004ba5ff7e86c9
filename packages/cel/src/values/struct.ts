import type { ObjectType } from '../types/types.ts';
import type { Value } from './value.ts';
import type { CelObject } from './value.ts';
import { CelMap } from './value.ts';

/** A message made by an expression: `JSONPatch{op: "add"}`. */
export class StructValue extends CelMap {
  override readonly type: ObjectType;
  readonly fields: ReadonlyMap<string, Value>;

  constructor(type: ObjectType, fields: ReadonlyMap<string, Value>) {
    super();
    this.type = type;
    this.fields = fields;
  }

  get size(): number {
    return this.fields.size;
  }

  get(key: Value): Value | undefined {
    return typeof key === 'string' ? this.fields.get(key) : undefined;
  }

  keys(): Iterable<Value> {
    return this.fields.keys();
  }

  override equalTo(other: CelObject): boolean {
    return this === other;
  }
}
