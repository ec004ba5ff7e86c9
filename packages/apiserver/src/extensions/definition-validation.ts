import { definitionFaults, fieldInvalid, fieldRequired, isKnownFormat, SchemaCheck, sameJson } from '@bayplan/api';
import type { CustomResourceDefinition, FieldError, FieldPath, JSONSchemaProps } from '@bayplan/api';
import { approvalAnnotation, approvalOf, isProtectedGroup } from './api-approval.ts';
import type { Patterns } from './patterns.ts';
import { hasRules } from './schema-rules.ts';

/** Every fault of a definition beside those of its metadata; `old` is undefined for a create. */
export async function validateDefinition(
  definition: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
  patterns: Patterns,
): Promise<FieldError[]> {
  const schemas = definition.spec.versions.flatMap((version) => version.schema?.openAPIV3Schema ?? []);
  const cel = schemas.some(hasRules) ? await import('@bayplan/cel') : undefined;
  const faults = definitionFaults(definition, old, {
    patternFault: patterns.faultOf,
    values: new SchemaCheck(patterns.matches),
    ruleFaults: (schema, path: FieldPath) => cel?.checkSchemaRules(schema as Parameters<typeof cel.checkSchemaRules>[0], path) ?? [],
  });
  return [...faults, ...approvalFaults(definition, old)];
}

/** Groups of the Kubernetes community want to know who approved a definition. */
function approvalFaults(definition: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  if (!isProtectedGroup(definition.spec.group)) return [];
  const { reason, message } = approvalOf(definition);
  if (old !== undefined && approvalOf(old).reason === reason) return [];
  const path = `metadata.annotations[${approvalAnnotation}]`;
  if (reason === 'MissingAnnotation') return [fieldRequired(path, message)];
  if (reason === 'InvalidAnnotation') return [fieldInvalid(path, definition.metadata.annotations?.[approvalAnnotation] ?? '', message)];
  return [];
}

/** Warnings about a definition; on an update only about what is new. */
export function definitionWarnings(definition: CustomResourceDefinition, old?: CustomResourceDefinition): string[] {
  if (sameJson(definition.spec.versions, old?.spec.versions)) return [];
  const before = new Set(old === undefined ? [] : allWarnings(old));
  return allWarnings(definition).filter((warning) => !before.has(warning));
}

function allWarnings({ spec }: CustomResourceDefinition): string[] {
  const formats = new Set<string>();
  const sets = new Set<string>();
  const visit = (schema: JSONSchemaProps): void => {
    if (schema.format && !isKnownFormat(schema)) formats.add(`unrecognized format ${JSON.stringify(schema.format)}`);
    const items = Array.isArray(schema.items) ? undefined : schema.items;
    if (schema['x-kubernetes-list-type'] === 'set' && (items?.type === 'object' || items?.type === 'array')) {
      const what = `items of type ${JSON.stringify(items.type)}`;
      sets.add(`x-kubernetes-list-type: set for ${what} is not supported by server-side apply or CEL validation rules`);
    }
    for (const property of Object.values(schema.properties ?? {})) visit(property);
    if (items !== undefined) visit(items);
    if (typeof schema.additionalProperties === 'object') visit(schema.additionalProperties);
    for (const one of [...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) visit(one);
    if (schema.not !== undefined) visit(schema.not);
  };
  for (const version of spec.versions) if (version.schema?.openAPIV3Schema !== undefined) visit(version.schema.openAPIV3Schema);
  return [...formats, ...[...sets].sort()];
}
