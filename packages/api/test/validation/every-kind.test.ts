import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/index.ts';
import {
  apiVersionOf,
  applyDefaults,
  builtinResources,
  decodeJson,
  defaultFeatureGates,
  loadValidation,
  schemaFor,
  serverSideApply,
  tableFor,
  trackUpdate,
  validateCreate,
  validateStatusUpdate,
  validateUpdate,
} from '../../src/index.ts';

const oracle = path.resolve(import.meta.dirname, '../../../../../shared/oracle/roundtrip-1.36');
const now = '2026-01-02T03:04:05Z';
const kinds = builtinResources.filter(({ group, version, kind }) => schemaFor(group, version, kind)?.fields.has('metadata') === true);

/** Runs everything that reads a stored object once. */
function exercise(object: KubeObject, ref: (typeof kinds)[number]): void {
  const descriptor = schemaFor(ref.group, ref.version, ref.kind)!;
  validateCreate(ref, object);
  validateUpdate(ref, object, object);
  validateStatusUpdate(ref, object, object);
  tableFor(ref).cells(object, 0);
  const bare = { ...object, metadata: { ...object.metadata, managedFields: undefined } };
  const live = trackUpdate({ descriptor, live: undefined, next: bare, manager: 'm', now });
  expect(trackUpdate({ descriptor, live, next: structuredClone(live), manager: 'n', now }).metadata.managedFields).toBe(
    live.metadata.managedFields,
  );
  const applied = serverSideApply({ descriptor, live, applied: bare, manager: 'n', force: false, now }).object;
  expect(serverSideApply({ descriptor, live: applied, applied: bare, manager: 'n', force: false, now }).changed, ref.kind).toBe(false);
}

describe('every kind', () => {
  beforeAll(() => loadValidation({ group: 'apps', kind: 'StatefulSet' }));

  it.each(kinds.map((ref) => [`${apiVersionOf(ref)} ${ref.kind}`, ref] as const))('survives an empty %s', (_, ref) => {
    const text = JSON.stringify({ apiVersion: apiVersionOf(ref), kind: ref.kind, metadata: { name: 'x', namespace: 'd' } });
    const { object } = decodeJson(schemaFor(ref.group, ref.version, ref.kind)!, text, { validation: 'Ignore' });
    applyDefaults(ref.group, ref.version, ref.kind, object, defaultFeatureGates);
    exercise(object as unknown as KubeObject, ref);
  });

  it.runIf(existsSync(oracle)).each(kinds.map((ref) => [`${apiVersionOf(ref)} ${ref.kind}`, ref] as const))(
    'survives a full %s',
    (_, ref) => {
      const file = path.join(oracle, `${ref.group === '' ? 'core' : ref.group}.${ref.version}.${ref.kind}.json`);
      if (!existsSync(file)) return;
      const { object } = decodeJson(schemaFor(ref.group, ref.version, ref.kind)!, readFileSync(file, 'utf8'), { validation: 'Ignore' });
      exercise(object as unknown as KubeObject, ref);
    },
  );
});
