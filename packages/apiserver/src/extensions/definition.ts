import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
} from '@bayplan/api';

type Version = Omit<CustomResourceDefinitionVersion, 'schema'>;

/** What serving a resource needs of its definition; the schemas, which are large, are fetched when they are needed. */
export interface Definition {
  readonly name: string;
  readonly uid: string;
  readonly group: string;
  readonly names: CustomResourceDefinitionNames;
  readonly namespaced: boolean;
  /** Served and not served, in the order of the definition. */
  readonly versions: readonly Version[];
  readonly storageVersion: string;
  readonly conversion: CustomResourceDefinition['spec']['conversion'];
  readonly terminating: boolean;
  /** Changes whenever anything that serving depends on does. */
  readonly fingerprint: string;
}

export function definitionOf(object: CustomResourceDefinition): Definition {
  const { spec, metadata, status } = object;
  const terminating = isTrue(object, 'Terminating') || metadata.deletionTimestamp !== undefined;
  const accepted = status?.acceptedNames;
  const names = accepted?.plural ? accepted : spec.names;
  return {
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    group: spec.group,
    names,
    namespaced: spec.scope === 'Namespaced',
    versions: spec.versions.map(withoutSchema),
    storageVersion: spec.versions.find((version) => version.storage)?.name ?? '',
    conversion: spec.conversion,
    terminating,
    fingerprint: JSON.stringify([metadata.uid, metadata.generation, names, terminating]),
  };
}

function withoutSchema(version: CustomResourceDefinitionVersion): Version {
  const copy = { ...version };
  delete copy.schema;
  return copy;
}

/** Whether a condition of a definition holds. */
export function isTrue(object: CustomResourceDefinition, type: string): boolean {
  return object.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
}

const emptySchema: JSONSchemaProps = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** The schema of a version; one that keeps everything where there is none. */
export function schemaOf(object: CustomResourceDefinition, version: string): JSONSchemaProps {
  const found = object.spec.versions.find((candidate) => candidate.name === version)?.schema?.openAPIV3Schema;
  if (found === undefined) return emptySchema;
  return object.spec.preserveUnknownFields === true ? { ...found, 'x-kubernetes-preserve-unknown-fields': true } : found;
}
