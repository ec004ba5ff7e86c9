import type { CustomResourceDefinition, KubeObject } from '@bayplan/api';

/**
 * What the controllers' shared caches keep of an object. The schemas of a CustomResourceDefinition are by far its
 * largest part, and no controller looks at them; everything else is kept whole.
 */
export function cachedForm<T extends KubeObject>(object: T): T {
  return object.kind === 'CustomResourceDefinition'
    ? (withoutSchemas(object as unknown as CustomResourceDefinition) as unknown as T)
    : object;
}

function withoutSchemas(definition: CustomResourceDefinition): CustomResourceDefinition {
  const metadata = { ...definition.metadata };
  delete metadata.managedFields;
  delete metadata.annotations;
  const versions = definition.spec.versions.map((version) => {
    const rest = { ...version };
    delete rest.schema;
    delete rest.additionalPrinterColumns;
    return rest;
  });
  return { ...definition, metadata, spec: { ...definition.spec, versions } };
}
