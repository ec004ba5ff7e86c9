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
