import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtinResources, schemaOfType } from '../src/index.ts';

/** Reference facts that are published beside the repository; absent in a plain clone. */
const folder = path.resolve(import.meta.dirname, '../../../../shared/oracle');
const present = existsSync(folder);

interface OracleField {
  readonly type: string;
  readonly pb?: number;
  readonly optional?: boolean;
  readonly inline?: boolean;
  readonly listType?: string;
  readonly listMapKeys?: string[];
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  readonly default?: string;
}

interface OracleResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: string[];
  readonly subresources: Record<string, string[]>;
}

/** Types without JSON fields of their own, and those of autoscaling/v1 and core/v1 that no served kind refers to. */
const unreachable =
  /\.(Time|MicroTime|Duration|TypeMeta|RootPaths|JSON|JSONSchemaPropsOr\w+)$|autoscaling\.v1\.(Container|External|HorizontalPodAutoscalerCondition|Metric|Object|Pods|Resource)|core\.v1\.(AvoidPods|PodSignature|Preconditions|PreferAvoidPodsEntry)$/;

describe.skipIf(!present)('the tables agree with the reference', () => {
  const read = (file: string): unknown => JSON.parse(readFileSync(path.join(folder, file), 'utf8'));

  it('about every type and field of GA versions', () => {
    const { types } = read('types-1.36.json') as { types: Record<string, { fields: Record<string, OracleField>; structType?: string }> };
    for (const [name, type] of Object.entries(types)) {
      if (!/\.v[12]\.\w+$/.test(name) || unreachable.test(name)) continue;
      const descriptor = schemaOfType(name);
      expect(descriptor, name).toBeDefined();
      expect(descriptor?.mapType, name).toBe(type.structType ?? 'granular');
      for (const [json, facts] of Object.entries(type.fields)) {
        if (facts.inline) continue;
        const field = descriptor?.fields.get(json);
        const where = `${name}.${json}`;
        expect(field, where).toBeDefined();
        expect(field?.number, where).toBe(facts.pb ?? 0);
        expect(field?.required, where).toBe(facts.optional !== true);
        expect(field?.pointer, where).toBe(facts.type.startsWith('*'));
        expect(field?.patchStrategies.join(','), where).toBe(facts.patchStrategy ?? '');
        expect(field?.patchMergeKey, where).toBe(facts.patchMergeKey);
        if (facts.listType !== undefined && facts.type !== '[]byte')
          expect(field?.value, where).toMatchObject({ type: 'list', listType: facts.listType, keys: facts.listMapKeys ?? [] });
        if (facts.default?.startsWith('ref(') === false) expect(field?.default, where).toEqual(JSON.parse(facts.default));
      }
    }
  });

  it('about every GA resource and subresource', () => {
    const resources = (read('resources-1.36.json') as OracleResource[]).filter(({ version }) => version === 'v1' || version === 'v2');
    expect(builtinResources.length).toBe(resources.length);
    for (const facts of resources) {
      const mine = builtinResources.find(
        (item) => item.group === facts.group && item.version === facts.version && item.resource === facts.resource,
      );
      const where = `${facts.group}/${facts.version} ${facts.resource}`;
      expect(mine, where).toMatchObject({ kind: facts.kind, namespaced: facts.namespaced });
      expect(
        mine?.verbs.filter((verb) => verb !== 'watch'),
        where,
      ).toEqual([...facts.verbs].sort());
      expect(mine?.subresources.map(({ name }) => name).sort(), where).toEqual(Object.keys(facts.subresources).sort());
    }
  });
});
