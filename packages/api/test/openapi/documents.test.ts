import { describe, expect, it } from 'vitest';
import { builtinResources, openapiHash, openapiV2, openapiV2Protobuf, openapiV3, openapiV3Root } from '../../src/index.ts';
import type { OpenApiResource } from '../../src/index.ts';

interface Document {
  paths: Record<string, Record<string, Record<string, unknown>>>;
  definitions: Record<string, Record<string, unknown>>;
  components: { schemas: Record<string, Record<string, unknown>> };
}

const parse = (bytes: Uint8Array): Document => JSON.parse(new TextDecoder().decode(bytes)) as Document;
const groupVersions = [...new Map(builtinResources.map((item) => [`${item.group}/${item.version}`, item])).values()];

function dangling(document: unknown, prefix: string, known: object): string[] {
  const text = JSON.stringify(document);
  return [...text.matchAll(/"\$ref":"([^"]+)"/g)]
    .map(([, ref = '']) => ref)
    .filter((ref) => !ref.startsWith(prefix) || !(ref.slice(prefix.length) in known));
}

const widget: OpenApiResource = {
  info: {
    group: 'example.com',
    version: 'v1',
    resource: 'widgets',
    kind: 'Widget',
    namespaced: true,
    singular: 'widget',
    verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
    shortNames: [],
    categories: [],
    subresources: [],
  },
  custom: {
    name: 'com.example.v1.Widget',
    schema: { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer', minimum: 1, maximum: 9 } } } } },
  },
};

describe('OpenAPI v3', () => {
  it.each(groupVersions.map((item) => [`${item.group}/${item.version}`, item] as const))(
    'of %s has its kinds and no dangling reference',
    async (_, { group, version }) => {
      const document = parse(await openapiV3(group, version));
      expect(dangling(document, '#/components/schemas/', document.components.schemas)).toEqual([]);
      const published = new Set(
        Object.values(document.components.schemas).flatMap((schema) =>
          ((schema['x-kubernetes-group-version-kind'] as { group: string; kind: string }[] | undefined) ?? []).map(
            (item) => `${item.group}/${item.kind}`,
          ),
        ),
      );
      for (const item of builtinResources)
        if (item.group === group && item.version === version) expect(published).toContain(`${group}/${item.kind}`);
    },
  );

  it('tells kubectl how to find, explain and merge a pod', async () => {
    const document = parse(await openapiV3('', 'v1'));
    const patch = document.paths['/api/v1/namespaces/{namespace}/pods/{name}']?.['patch'];
    expect(patch?.['x-kubernetes-group-version-kind']).toEqual({ group: '', kind: 'Pod', version: 'v1' });
    expect((patch?.['parameters'] as { name: string }[]).map(({ name }) => name)).toEqual([
      'dryRun',
      'fieldManager',
      'fieldValidation',
      'force',
    ]);
    const spec = document.components.schemas['io.k8s.api.core.v1.PodSpec'] as {
      required: string[];
      properties: Record<string, Record<string, unknown>>;
    };
    expect(spec.required).toEqual(['containers']);
    expect(spec.properties['containers']).toMatchObject({
      type: 'array',
      items: { allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.Container' }] },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'name',
    });
    expect(spec.properties['restartPolicy']).toMatchObject({ type: 'string', enum: ['Always', 'Never', 'OnFailure'] });
    expect(spec.properties['restartPolicy']?.['description']).toContain('Restart policy for all containers');
  });

  it('lists documents at their root', () => {
    const hash = openapiHash('apps', 'v1');
    expect(
      parse(
        openapiV3Root([
          { group: '', version: 'v1', hash: 'A' },
          { group: 'apps', version: 'v1', hash },
        ]),
      ),
    ).toEqual({
      paths: {
        'api/v1': { serverRelativeURL: '/openapi/v3/api/v1?hash=A' },
        'apis/apps/v1': { serverRelativeURL: `/openapi/v3/apis/apps/v1?hash=${hash}` },
      },
    });
    expect(openapiHash('example.com', 'v1', 'a')).not.toBe(openapiHash('example.com', 'v1', 'b'));
  });

  it('publishes custom resources', async () => {
    const document = parse(await openapiV3('example.com', 'v1', [widget]));
    expect(dangling(document, '#/components/schemas/', document.components.schemas)).toEqual([]);
    expect(document.components.schemas['com.example.v1.Widget']).toMatchObject({ 'x-kubernetes-group-version-kind': [{ kind: 'Widget' }] });
    expect(Object.keys(document.paths)).toContain('/apis/example.com/v1/namespaces/{namespace}/widgets/{name}');
  });
});

describe('OpenAPI v2', () => {
  it('has unique operations and no dangling reference', async () => {
    const document = parse(await openapiV2([widget]));
    expect(dangling(document, '#/definitions/', document.definitions)).toEqual([]);
    const ids = Object.values(document.paths)
      .flatMap((item) => Object.values(item).map((operation) => operation['operationId']))
      .filter((id) => id !== undefined);
    expect(new Set(ids).size).toBe(ids.length);
    expect(document.definitions['io.k8s.apimachinery.pkg.util.intstr.IntOrString']).toMatchObject({
      type: 'string',
      format: 'int-or-string',
    });
  });

  it('is the same in protobuf: names of all paths and definitions are inside', async () => {
    const [json, protobuf] = [parse(await openapiV2([widget])), Buffer.from(await openapiV2Protobuf([widget]))];
    // swagger = "2.0" comes first: field 1.
    expect(protobuf.subarray(0, 5).toString('hex')).toBe('0a03322e30');
    for (const name of [...Object.keys(json.paths), ...Object.keys(json.definitions)]) expect(protobuf.includes(name)).toBe(true);
  });
});
