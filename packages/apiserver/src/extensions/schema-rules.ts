import type { FieldError, JSONSchemaProps, KubeObject } from '@bayplan/api';

/** The compiled `x-kubernetes-validations` of one schema. */
export interface SchemaRules {
  /** Faults of the new object by rules, of which some compare it with the old one. */
  validate(object: KubeObject, old: KubeObject | undefined): FieldError[];
}

/** Whether a schema holds a rule anywhere. */
export function hasRules(schema: JSONSchemaProps): boolean {
  return JSON.stringify(schema).includes('"x-kubernetes-validations"');
}

/** Compiles the rules of a schema; undefined when it has none. The engine is loaded by the first that has. */
export async function compileRules(schema: JSONSchemaProps): Promise<SchemaRules | undefined> {
  if (!hasRules(schema)) return undefined;
  const { compileSchemaRules } = await import('@bayplan/cel');
  const rules = compileSchemaRules(schema as Parameters<typeof compileSchemaRules>[0], { resourceRoot: true });
  return rules === undefined ? undefined : { validate: (object, old) => [...rules.validate(object, old).errors] };
}
