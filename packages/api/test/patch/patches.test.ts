import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  isBadRequest,
  isInvalid,
  sameJson,
  schemaFor,
} from '../../src/index.ts';

const deployment = schemaFor('apps', 'v1', 'Deployment')!;
const pod = schemaFor('', 'v1', 'Pod')!;

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('JSON patch', () => {
  it.each([
    [{ a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
    [{ a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
    [{ a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
    [{ a: 1 }, [{ op: 'replace', path: '/a', value: null }], { a: null }],
    [{ a: { b: 1 }, c: 2 }, [{ op: 'remove', path: '/a/b' }], { a: {}, c: 2 }],
    [{ a: [1, 2] }, [{ op: 'remove', path: '/a/0' }], { a: [2] }],
    [{ a: { b: 1 } }, [{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, c: 1 }],
    [{ a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
    [{ 'x/y~': 1 }, [{ op: 'test', path: '/x~1y~0', value: 1 }], { 'x/y~': 1 }],
    [{ a: 1 }, [{ op: 'test', path: '/b', value: null }], { a: 1 }],
    [{ a: 1 }, [{ op: 'replace', path: '', value: { b: 1 } }], { b: 1 }],
  ])('turns %j by %j into %j', (object, patch, expected) => {
    const before = structuredClone(object);
    expect(applyJsonPatch(object, patch)).toEqual(expected);
    expect(object).toEqual(before);
  });

  it.each([
    [[{ op: 'test', path: '/a', value: 2 }]],
    [[{ op: 'remove', path: '/x' }]],
    [[{ op: 'replace', path: '/x', value: 1 }]],
    [[{ op: 'add', path: '/x/y', value: 1 }]],
  ])('answers 422 to %j', (patch) => {
    expect(isInvalid(errorOf(() => applyJsonPatch({ a: 1 }, patch)))).toBe(true);
  });

  it('answers 400 to what is no patch', () => {
    for (const patch of [{}, [{ op: 'x', path: '/a' }], [{ op: 'add', path: 'a' }], [1]]) {
      expect(isBadRequest(errorOf(() => applyJsonPatch({}, patch)))).toBe(true);
    }
  });
});

describe('JSON merge patch', () => {
  const key = fc.constantFrom('a', 'b', 'c', '__proto__');
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.string({ maxLength: 2 }), fc.array(fc.integer(), { maxLength: 2 }), tie('object')),
    object: fc.dictionary(key, tie('json'), { maxKeys: 3 }),
  }));
  const object = fc.dictionary(key, json);

  /** The patch that turns one object without nulls into another. */
  function diff(from: unknown, to: unknown): unknown {
    const isObject = (value: unknown): value is Record<string, unknown> =>
      typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!isObject(from) || !isObject(to)) return to;
    const patch: [string, unknown][] = [];
    for (const name of Object.keys(from)) if (!Object.hasOwn(to, name)) patch.push([name, null]);
    for (const name of Object.keys(to)) patch.push([name, Object.hasOwn(from, name) ? diff(from[name], to[name]) : to[name]]);
    return Object.fromEntries(patch);
  }

  it('applies a difference so that the target comes out', () => {
    fc.assert(
      fc.property(object, object, (from, to) => {
        const before = JSON.stringify(from);
        expect(sameJson(applyMergePatch(from, diff(from, to)), to)).toBe(true);
        expect(JSON.stringify(from)).toBe(before);
      }),
    );
  });
});

describe('strategic merge patch', () => {
  const apply = (spec: object, patch: object): unknown =>
    (applyStrategicMergePatch({ spec }, { spec: patch }, pod) as { spec: unknown }).spec;
  const two = {
    containers: [
      { name: 'a', image: '1' },
      { name: 'b', image: '2' },
    ],
  };

  it('merges items by their key and appends new ones in front of none', () => {
    expect(apply(two, { containers: [{ name: 'b', image: '3' }] })).toEqual({
      containers: [
        { name: 'a', image: '1' },
        { name: 'b', image: '3' },
      ],
    });
    expect(apply(two, { containers: [{ name: 'c', image: '9' }] })).toMatchObject({
      containers: [{ name: 'c' }, { name: 'a' }, { name: 'b' }],
    });
  });

  it('deletes an item, replaces a list, deletes and replaces an object', () => {
    expect(apply(two, { containers: [{ name: 'a', $patch: 'delete' }] })).toEqual({ containers: [{ name: 'b', image: '2' }] });
    expect(apply(two, { containers: [{ $patch: 'replace' }, { name: 'z' }] })).toEqual({ containers: [{ name: 'z' }] });
    expect(apply({ nodeSelector: { a: '1' } }, { nodeSelector: { $patch: 'replace', b: '2' } })).toEqual({ nodeSelector: { b: '2' } });
    expect(apply({ securityContext: { runAsUser: 1 } }, { securityContext: { $patch: 'delete' } })).toEqual({ securityContext: {} });
  });

  it('orders by $setElementOrder, the items of others in their place', () => {
    const patch = {
      '$setElementOrder/containers': [{ name: 'b' }, { name: 'c' }, { name: 'a' }],
      containers: [{ name: 'c' }],
    };
    const names = (apply({ containers: [{ name: 'x' }, ...two.containers] }, patch) as typeof two).containers.map(({ name }) => name);
    expect(names).toEqual(['x', 'b', 'c', 'a']);
  });

  it('adds to and deletes from lists of scalars', () => {
    const meta = { metadata: { finalizers: ['a', 'b', 'c'] } };
    const patch = {
      metadata: { finalizers: ['d'], '$deleteFromPrimitiveList/finalizers': ['b'], '$setElementOrder/finalizers': ['a', 'c', 'd'] },
    };
    expect(applyStrategicMergePatch(meta, patch, pod)).toEqual({ metadata: { finalizers: ['a', 'c', 'd'] } });
  });

  it('replaces a list without a merge strategy', () => {
    expect(apply({ containers: [{ name: 'a', args: ['1', '2'] }] }, { containers: [{ name: 'a', args: ['3'] }] })).toEqual({
      containers: [{ name: 'a', args: ['3'] }],
    });
  });

  it('keeps only the retained keys of a union', () => {
    const live = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
    const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } };
    expect(applyStrategicMergePatch(live, patch, deployment)).toEqual({ spec: { strategy: { type: 'Recreate' } } });
    const volumes = { volumes: [{ name: 'v', emptyDir: {} }] };
    expect(apply(volumes, { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] })).toEqual({
      volumes: [{ name: 'v', hostPath: { path: '/x' } }],
    });
  });

  it('removes by null and drops nulls and directives of what is new', () => {
    expect(apply({ hostname: 'h', nodeName: 'n' }, { hostname: null, affinity: { nodeAffinity: null } })).toEqual({
      nodeName: 'n',
      affinity: {},
    });
  });

  it('refuses an item without its key and an unknown directive', () => {
    expect(isInvalid(errorOf(() => apply(two, { containers: [{ image: 'x' }] })))).toBe(true);
    expect(isBadRequest(errorOf(() => apply(two, { $patch: 'x' })))).toBe(true);
  });
});
