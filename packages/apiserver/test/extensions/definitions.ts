import type { CustomResourceDefinition, JSONSchemaProps } from '@bayplan/api';

type Spec = CustomResourceDefinition['spec'];
type Version = Spec['versions'][number];

/** A schema of widgets that most tests use. */
export const widgetSchema: JSONSchemaProps = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['size'],
      properties: {
        size: { type: 'string', enum: ['small', 'large'] },
        replicas: { type: 'integer', default: 1, minimum: 0 },
        name: { type: 'string', pattern: '^[a-z]+$', maxLength: 8 },
        port: { 'x-kubernetes-int-or-string': true },
        extra: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
        parts: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['id'],
          items: { type: 'object', required: ['id'], properties: { id: { type: 'string' }, weight: { type: 'integer', default: 5 } } },
        },
      },
    },
    status: {
      type: 'object',
      properties: { replicas: { type: 'integer' }, selector: { type: 'string' }, phase: { type: 'string' } },
    },
  },
};

export function version(name: string, more: Partial<Version> = {}): Version {
  return { name, served: true, storage: true, schema: { openAPIV3Schema: widgetSchema }, subresources: { status: {} }, ...more };
}

/** A definition of widgets in `example.com`; `spec` replaces parts of it. */
export function widgetDefinition(spec: Partial<Spec> = {}): CustomResourceDefinition {
  const group = spec.group ?? 'example.com';
  const names = { plural: 'widgets', singular: 'widget', kind: 'Widget', shortNames: ['wd'], categories: ['all'], ...spec.names };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${names.plural}.${group}` },
    spec: { scope: 'Namespaced', versions: [version('v1')], ...spec, group, names },
  };
}
