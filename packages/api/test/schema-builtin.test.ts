import { describe, expect, it } from 'vitest';
import { builtinResources, builtinTypeNames, descriptorAt, findResource, resources, schemaFor, schemaOfType } from '../src/index.ts';

describe('descriptors', () => {
  it('resolve every reference of every type', () => {
    for (const name of builtinTypeNames())
      for (const field of schemaOfType(name)?.fields.values() ?? []) expect(field.value.type).toBeDefined();
  });

  it('exist for every resource, its list and its subresources', () => {
    for (const item of builtinResources) {
      expect(schemaFor(item.group, item.version, item.kind)?.kind).toEqual({ group: item.group, version: item.version, kind: item.kind });
      if (item.verbs.includes('list')) expect(schemaFor(item.group, item.version, `${item.kind}List`)).toBeDefined();
      for (const { group, version, kind } of item.subresources) expect(schemaFor(group, version, kind)).toBeDefined();
    }
  });

  it('carry the facts of server-side apply and strategic merge', () => {
    const pod = schemaFor('', 'v1', 'Pod');
    if (!pod) throw new Error('no Pod');
    expect(descriptorAt(pod, ['spec', 'containers', '[]', 'ports'])).toMatchObject({
      type: 'list',
      listType: 'map',
      keys: ['containerPort', 'protocol'],
    });
    const spec = schemaOfType('io.k8s.api.core.v1.PodSpec');
    expect(spec?.fields.get('volumes')).toMatchObject({ patchStrategies: ['merge', 'retainKeys'], patchMergeKey: 'name', number: 1 });
    expect(descriptorAt(pod, ['spec', 'nodeSelector'])).toMatchObject({ type: 'map', mapType: 'atomic' });
    expect(descriptorAt(pod, ['spec', 'containers', '[]', 'resources', 'limits', 'cpu'])).toMatchObject({ scalar: 'quantity' });
    expect(schemaOfType('io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector')?.mapType).toBe('atomic');
    expect(descriptorAt(pod, ['spec', 'nothing'])).toBeUndefined();
  });

  it('are shared', () => {
    expect(schemaOfType('io.k8s.api.core.v1.Pod')).toBe(schemaFor('', 'v1', 'Pod'));
    expect(schemaOfType('io.k8s.api.core.v1.Nothing')).toBeUndefined();
  });
});

describe('resources', () => {
  it('are found by their plural', () => {
    expect(findResource('apps', 'v1', 'deployments')).toMatchObject({ kind: 'Deployment', shortNames: ['deploy'], categories: ['all'] });
    expect(resources.deployments).toEqual({ group: 'apps', version: 'v1', resource: 'deployments', kind: 'Deployment', namespaced: true });
    expect(findResource('', 'v1', 'pods')?.subresources.find(({ name }) => name === 'eviction')).toMatchObject({
      group: 'policy',
      kind: 'Eviction',
      verbs: ['create'],
    });
  });
});
