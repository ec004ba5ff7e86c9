import type { FieldError } from '../errors/field-error.ts';
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../errors/field-error.ts';
import { FieldPath } from '../errors/field-path.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
} from '../generated/types.ts';
import { dns1035LabelFaults, dns1123SubdomainFaults } from '../names.ts';
import { sameJson } from '../patch/json-value.ts';
import type { Faults } from '../validation/faults.ts';
import { checkImmutable } from '../validation/faults.ts';
import { conversionFaults } from './conversion-faults.ts';
import { defaultFaults } from './default-faults.ts';
import type { SchemaCheck } from './schema-check.ts';
import { schemaFaults } from './schema-faults.ts';
import type { PatternFault } from './structural-faults.ts';
import { structuralFaults } from './structural-faults.ts';
import { columnFaults, selectableFieldFaults, subresourceFaults } from './version-faults.ts';

/** What the checks of a definition need beside it. */
export interface DefinitionChecks {
  readonly patternFault: PatternFault;
  /** To check defaults. */
  readonly values: SchemaCheck;
  /** Faults of the CEL rules in a schema that is otherwise sound. */
  ruleFaults(schema: JSONSchemaProps, path: FieldPath): FieldError[];
}

const spec = FieldPath.of('spec');
const status = FieldPath.of('status');

/**
 * Every fault of a definition beside those of its metadata. Kubernetes moves what all versions have in common
 * to the top before it looks, and so do the paths here: one version's schema is `spec.validation.openAPIV3Schema`.
 */
export function definitionFaults(
  definition: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
  checks: DefinitionChecks,
): FieldError[] {
  const faults: Faults = [];
  const { group, names, versions, scope } = definition.spec;
  if (old === undefined && definition.metadata.name !== `${names.plural}.${group}`)
    faults.push(fieldInvalid('metadata.name', definition.metadata.name ?? '', `must be spec.names.plural+"."+spec.group`));
  checkGroup(group, faults);
  checkScope(scope, faults);
  checkVersions(versions, old, checks, faults);
  checkNames(names, spec.child('names'), true, faults);
  if (definition.spec.preserveUnknownFields === true && old?.spec.preserveUnknownFields !== true) {
    const why = 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
    faults.push(fieldInvalid(spec.child('preserveUnknownFields'), true, why));
  }
  faults.push(...conversionFaults(definition.spec.conversion, spec.child('conversion')));
  if (old !== undefined) checkUpdate(definition, old, faults);
  faults.push(...storedVersionFaults(definition));
  return faults;
}

/** What is stored in a version that the definition no longer has could not be read. */
export function storedVersionFaults({ spec: { versions }, status: { storedVersions = [] } = {} }: CustomResourceDefinition): FieldError[] {
  const at = status.child('storedVersions');
  if (storedVersions.length === 0) return [fieldInvalid(at, storedVersions, 'must have at least one stored version')];
  const faults: FieldError[] = [];
  for (const version of versions)
    if (version.storage && !storedVersions.includes(version.name))
      faults.push(fieldInvalid(at, storedVersions, `must have the storage version ${version.name}`));
  for (const [index, name] of storedVersions.entries()) {
    if (versions.some((version) => version.name === name)) continue;
    const why = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    faults.push(fieldInvalid(at.index(index), name, why));
  }
  return faults;
}

function checkGroup(group: string, faults: Faults): void {
  const at = spec.child('group');
  const wrong = dns1123SubdomainFaults(group);
  if (group === '') faults.push(fieldRequired(at));
  else if (wrong.length > 0) faults.push(fieldInvalid(at, group, wrong.join(',')));
  else if (!group.includes('.')) faults.push(fieldInvalid(at, group, 'should be a domain with at least one dot'));
}

function checkScope(scope: string, faults: Faults): void {
  if (scope === '') faults.push(fieldRequired(spec.child('scope')));
  else if (scope !== 'Cluster' && scope !== 'Namespaced')
    faults.push(fieldNotSupported(spec.child('scope'), scope, ['Cluster', 'Namespaced']));
}

/** A part of a version, found at the top when all versions have the same. */
function common<K extends keyof CustomResourceDefinitionVersion>(versions: readonly CustomResourceDefinitionVersion[], part: K): boolean {
  return versions.length > 0 && versions.every((version) => sameJson(version[part] ?? null, versions[0]?.[part] ?? null));
}

function checkVersions(
  versions: readonly CustomResourceDefinitionVersion[],
  old: CustomResourceDefinition | undefined,
  checks: DefinitionChecks,
  faults: Faults,
): void {
  const at = spec.child('versions');
  const top = {
    schema: common(versions, 'schema'),
    subresources: common(versions, 'subresources'),
    columns: common(versions, 'additionalPrinterColumns'),
    fields: common(versions, 'selectableFields'),
  };
  for (const [index, version] of versions.entries()) {
    const here = at.index(index);
    for (const wrong of [dns1035LabelFaults(version.name)])
      if (wrong.length > 0) faults.push(fieldInvalid(here.child('name'), version.name, wrong.join(',')));
    if (version.schema?.openAPIV3Schema === undefined) faults.push(fieldRequired(here.child('schema', 'openAPIV3Schema')));
    faults.push(...deprecationFaults(version, here));
    const first = index === 0;
    const before = old?.spec.versions.find((one) => one.name === version.name);
    const parts: [boolean, (path: FieldPath) => FieldError[], FieldPath, FieldPath][] = [
      [top.schema, (path) => versionSchemaFaults(version, before, path, checks), spec.child('validation'), here.child('schema')],
      [top.subresources, (path) => subresourceFaults(version.subresources, path), spec.child('subresources'), here.child('subresources')],
      [
        top.columns,
        (path) => columnFaults(version.additionalPrinterColumns ?? [], path),
        spec.child('additionalPrinterColumns'),
        here.child('additionalPrinterColumns'),
      ],
      [top.fields, (path) => selectableFieldFaults(version, before, path), spec.child('selectableFields'), here.child('selectableFields')],
    ];
    for (const [isCommon, check, above, own] of parts) if (!isCommon || first) faults.push(...check(isCommon ? above : own));
  }
  const names = versions.map((version) => version.name);
  if (new Set(names).size !== names.length) faults.push(fieldInvalid(at, versions, 'must contain unique version names'));
  if (versions.filter((version) => version.storage).length !== 1)
    faults.push(fieldInvalid(at, versions, 'must have exactly one version marked as storage version'));
}

function deprecationFaults({ deprecated, deprecationWarning: text }: CustomResourceDefinitionVersion, path: FieldPath): FieldError[] {
  if (text === undefined) return [];
  const at = path.child('deprecationWarning');
  if (deprecated !== true) return [fieldInvalid(at, text, 'can only be set for deprecated versions')];
  const faults: FieldError[] = [];
  if (new TextEncoder().encode(text).length > 256) faults.push(fieldInvalid(at, text, 'must be <= 256 characters long'));
  if (text === '') faults.push(fieldInvalid(at, text, 'must not be an empty string'));
  const unprintable = text.search(/[\p{C}\u2028\u2029]/u);
  if (unprintable >= 0) {
    const why = `must only contain printable UTF-8 characters; non-printable character found at index ${unprintable.toString()}`;
    faults.push(fieldInvalid(at, text, why));
  }
  return faults;
}

const rootFields =
  '[Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations]';
const notAtRoot = [
  'id',
  '$schema',
  '$ref',
  'default',
  'enum',
  'maxProperties',
  'minProperties',
  'allOf',
  'oneOf',
  'anyOf',
  'not',
  'additionalProperties',
  'patternProperties',
  'dependencies',
  'additionalItems',
  'definitions',
  'nullable',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-list-type',
  'x-kubernetes-map-type',
] as const;

function versionSchemaFaults(
  version: CustomResourceDefinitionVersion,
  before: CustomResourceDefinitionVersion | undefined,
  path: FieldPath,
  checks: DefinitionChecks,
): FieldError[] {
  const schema = version.schema?.openAPIV3Schema;
  if (schema === undefined) return [];
  // What was accepted once stays, whatever rules have been added since; and checking it again is dear.
  if (before !== undefined && sameJson(before.schema, version.schema)) return [];
  const at = path.child('openAPIV3Schema');
  const faults: FieldError[] = [];
  if (version.subresources?.status !== undefined) {
    const why = 'is allowed as the type at the root of the schema if the status subresource is enabled';
    if (schema.type !== 'object') faults.push(fieldInvalid(path.child('openAPIV3Schema.type'), schema.type ?? '', `only "object" ${why}`));
    if (notAtRoot.some((name) => schema[name] !== undefined && schema[name] !== false)) {
      const text = `only ${rootFields} fields are allowed at the root of the schema if the status subresource is enabled`;
      faults.push(fieldInvalid(at, schema, text));
    }
  }
  if (schema.nullable === true) faults.push(fieldForbidden(path.child('openAPIV3Schema.nullable'), 'nullable cannot be true at the root'));
  const structural = structuralFaults(schema, at, checks.patternFault);
  faults.push(...structural);
  if (structural.length === 0) faults.push(...defaultFaults(schema, at, checks.values));
  faults.push(...schemaFaults(schema, at));
  if (faults.length === 0) faults.push(...checks.ruleFaults(schema, at));
  return faults;
}

function checkNames(names: CustomResourceDefinitionNames, at: FieldPath, required: boolean, faults: Faults): void {
  if (required)
    for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) if (!names[field]) faults.push(fieldRequired(at.child(field)));
  const check = (path: FieldPath, name: string | undefined, mixedCase: boolean): void => {
    const wrong = name ? dns1035LabelFaults(mixedCase ? name.toLowerCase() : name) : [];
    if (wrong.length > 0)
      faults.push(fieldInvalid(path, name, `${mixedCase ? 'may have mixed case, but should otherwise match: ' : ''}${wrong.join(',')}`));
  };
  check(at.child('plural'), names.plural, false);
  check(at.child('singular'), names.singular, false);
  check(at.child('kind'), names.kind, true);
  check(at.child('listKind'), names.listKind, true);
  for (const [index, name] of (names.shortNames ?? []).entries()) check(at.child('shortNames').index(index), name, false);
  if (names.kind && names.kind === names.listKind)
    faults.push(fieldInvalid(at.child('listKind'), names.listKind, 'kind and listKind may not be the same'));
  for (const [index, name] of (names.categories ?? []).entries()) check(at.child('categories').index(index), name, false);
}

function checkUpdate(next: CustomResourceDefinition, old: CustomResourceDefinition, faults: Faults): void {
  const established = old.status?.conditions?.some((one) => one.type === 'Established' && one.status === 'True') === true;
  if (established) {
    checkImmutable(next.spec.scope, old.spec.scope, spec.child('scope'), faults);
    checkImmutable(next.spec.names.kind, old.spec.names.kind, spec.child('names', 'kind'), faults);
  }
  checkImmutable(next.spec.group, old.spec.group, spec.child('group'), faults);
  checkImmutable(next.spec.names.plural, old.spec.names.plural, spec.child('names', 'plural'), faults);
}
