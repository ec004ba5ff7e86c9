import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FieldSet, MaybeFieldSet } from '../../src/apply/field-set.ts';
import { compose, difference, intersection, isMember, sameFieldSet, sorted, union, withoutTrees } from '../../src/apply/field-set.ts';
import { compare, fieldSetOf } from '../../src/apply/walk.ts';
import type { KubeObject } from '../../src/index.ts';
import { sameJson, schemaFor, serverSideApply, trackUpdate } from '../../src/index.ts';

/** The naive twin of a field set: the paths of its members. */
function pathsOf(set: MaybeFieldSet, path = ''): Set<string> {
  const found = new Set<string>();
  if (set === undefined) return found;
  if (path !== '' && isMember(set)) found.add(path);
  for (const [step, child] of Object.entries(set))
    if (step !== '.') for (const below of pathsOf(child, `${path}/${step}`)) found.add(below);
  return found;
}

function setOf(paths: Iterable<string>): MaybeFieldSet {
  let result: MaybeFieldSet;
  for (const path of paths) {
    let node: FieldSet | undefined = compose(true, undefined);
    for (const step of path.split('/').slice(1).reverse()) node = compose(false, { [step]: node ?? {} });
    result = union(result, node);
  }
  return result;
}

const step = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}');
const somePaths = fc.array(
  fc.array(step, { minLength: 1, maxLength: 3 }).map((steps) => `/${steps.join('/')}`),
  { maxLength: 6 },
);

describe('field sets', () => {
  it('equal sets of paths under every operation', () => {
    fc.assert(
      fc.property(somePaths, somePaths, (left, right) => {
        const one = setOf(left);
        const other = setOf(right);
        const inRight = new Set(right);
        expect(pathsOf(one)).toEqual(new Set(left));
        expect(pathsOf(union(one, other))).toEqual(new Set([...left, ...right]));
        expect(pathsOf(intersection(one, other))).toEqual(new Set(left.filter((path) => inRight.has(path))));
        expect(pathsOf(difference(one, other))).toEqual(new Set(left.filter((path) => !inRight.has(path))));
        const kept = left.filter((path) => !right.some((root) => path === root || path.startsWith(`${root}/`)));
        expect(pathsOf(withoutTrees(one, other))).toEqual(new Set(kept));
        expect(sameFieldSet(one, other)).toBe(sameJson([...new Set(left)].sort(), [...new Set(right)].sort()));
        expect(sameFieldSet(one === undefined ? undefined : sorted(one), one)).toBe(true);
      }),
    );
  });
});

const pod = schemaFor('', 'v1', 'Pod')!;
const now = '2026-01-02T03:04:05Z';
const text = fc.constantFrom('1', '2');
const container = fc.record(
  {
    name: fc.constantFrom('a', 'b', 'c'),
    image: text,
    args: fc.array(text, { maxLength: 2 }),
    env: fc.uniqueArray(fc.record({ name: text, value: text }), { maxLength: 2, selector: ({ name }) => name }),
  },
  { requiredKeys: ['name'] },
);
const anyPod = fc.record({
  labels: fc.dictionary(fc.constantFrom('x', 'y'), text, { minKeys: 1 }),
  spec: fc.record(
    {
      nodeName: text,
      nodeSelector: fc.dictionary(fc.constantFrom('p', 'q'), text, { minKeys: 1 }),
      containers: fc.uniqueArray(container, { minLength: 1, maxLength: 3, selector: ({ name }) => name }),
    },
    { requiredKeys: ['containers'] },
  ),
});

function podOf({ labels, spec }: { labels: object; spec: object }): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', labels }, spec } as KubeObject;
}

describe('server-side apply', () => {
  it('holds what was applied last, changes nothing when repeated, and leaves no field without an owner', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('m', 'n', 'o'), anyPod), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(steps, (writes) => {
        let live: KubeObject | undefined;
        for (const [manager, wanted] of writes) {
          const applied = podOf(wanted);
          const input = { descriptor: pod, applied, manager, force: true, now };
          live = serverSideApply({ ...input, live }).object;
          const { changed } = compare(live, serverSideApply({ ...input, live, force: false }).object, pod);
          expect(changed).toBeUndefined();
          expect(serverSideApply({ ...input, live, force: false }).changed).toBe(false);
          const { metadata } = live;
          const owned = (metadata.managedFields ?? []).reduce<MaybeFieldSet>(
            (all, entry) => union(all, entry.fieldsV1 as unknown as FieldSet),
            undefined,
          );
          const leaves = [...pathsOf(fieldSetOf({ ...live, metadata: { labels: metadata.labels } }, pod))];
          const ownedPaths = pathsOf(owned);
          for (const path of leaves) if (!/^\/f:(apiVersion|kind)$/.test(path)) expect(ownedPaths).toContain(path);
        }
      }),
    );
  });

  it('removes everything of a manager that applies nothing any more', () => {
    fc.assert(
      fc.property(anyPod, anyPod, (first, second) => {
        const base = serverSideApply({ descriptor: pod, live: undefined, applied: podOf(first), manager: 'm', force: false, now }).object;
        const both = serverSideApply({ descriptor: pod, live: base, applied: podOf(second), manager: 'n', force: true, now }).object;
        const bare = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } };
        const one = serverSideApply({ descriptor: pod, live: both, applied: bare, manager: 'm', force: false, now }).object;
        const none = serverSideApply({ descriptor: pod, live: one, applied: bare, manager: 'n', force: false, now }).object;
        const { metadata, ...rest } = one;
        expect(compare(podOf(second), { ...rest, metadata: { name: 'x', labels: metadata.labels } }, pod).changed).toBeUndefined();
        expect(none).toEqual(bare);
      }),
    );
  });
});

describe('trackUpdate', () => {
  it('gives every field that differs to the writer, and none to two updaters', () => {
    fc.assert(
      fc.property(anyPod, anyPod, (first, second) => {
        const live = trackUpdate({ descriptor: pod, live: undefined, next: podOf(first), manager: 'm', now });
        const next = { ...podOf(second), metadata: { ...podOf(second).metadata, managedFields: live.metadata.managedFields } };
        const after = trackUpdate({ descriptor: pod, live, next, manager: 'n', now });
        const fieldsOf = (manager: string): Set<string> =>
          pathsOf(after.metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1 as unknown as MaybeFieldSet);
        const { changed, removed } = compare(podOf(first), podOf(second), pod);
        expect(fieldsOf('n')).toEqual(pathsOf(changed));
        for (const path of [...pathsOf(changed), ...pathsOf(removed)]) expect(fieldsOf('m')).not.toContain(path);
      }),
    );
  });
});
