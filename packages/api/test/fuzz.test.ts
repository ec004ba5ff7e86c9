import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  decodeJson,
  decodeObject,
  decodeProtobuf,
  encodeProtobuf,
  sameJson,
  schemaFor,
  serverSideApply,
  StatusError,
  typedFaults,
} from '../src/index.ts';
import type { KubeObject } from '../src/index.ts';

/** The full tests look a hundred times as long, within a minute each. */
const full = process.env['BAYPLAN_TEST_FULL'] === '1';
const runs = full ? { numRuns: 50_000, interruptAfterTimeLimit: 60_000 } : { numRuns: 400, interruptAfterTimeLimit: 10_000 };
const timeoutMs = 120_000;

const pod = schemaFor('', 'v1', 'Pod')!;
const deployment = schemaFor('apps', 'v1', 'Deployment')!;
const samplePod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', labels: { app: 'x' }, finalizers: ['f/a', 'f/b'] },
  spec: {
    containers: [
      { name: 'a', image: 'x', ports: [{ containerPort: 80, protocol: 'TCP' }], env: [{ name: 'E', value: '1' }] },
      { name: 'b', image: 'y', args: ['1', '2'] },
    ],
    volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Gi' } }],
    tolerations: [{ key: 'k', operator: 'Exists' }],
  },
};

/** Runs `work`, whose only failures may be refusals that name the client's fault. */
function refusesOrDoes<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    expect(error.status.code).toBeGreaterThanOrEqual(400);
    expect(error.status.code).toBeLessThan(500);
    return undefined;
  }
}

/** Names of the schema and directives of patches among names of nothing, so that the deep paths are met. */
const word = fc.oneof(
  fc.constantFrom(
    'metadata',
    'spec',
    'containers',
    'name',
    'image',
    'ports',
    'labels',
    'finalizers',
    'volumes',
    'env',
    'containerPort',
    'protocol',
    'app',
    'a',
    'b',
  ),
  fc.constantFrom(
    '$patch',
    '$retainKeys',
    '$setElementOrder/containers',
    '$deleteFromPrimitiveList/finalizers',
    '__proto__',
    'constructor',
    '',
  ),
  fc.string({ maxLength: 3 }),
);
const scalar = fc.oneof(
  fc.constantFrom('delete', 'replace', 'merge', 'a', 'b', 'f/a', ''),
  fc.string({ maxLength: 4 }),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('json'), { maxLength: 3 }),
    fc.array(fc.tuple(word, tie('json')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries) as unknown),
  ),
}));
const anyJson = json.map((value) => JSON.parse(JSON.stringify(value) ?? 'null') as unknown);

/** A document with some of its places overwritten, cut out or doubled. */
function mangled(bytes: Buffer): fc.Arbitrary<Buffer> {
  const edit = fc.tuple(fc.nat(bytes.length), fc.nat(8), fc.uint8Array({ maxLength: 6 }));
  return fc
    .array(edit, { minLength: 1, maxLength: 4 })
    .map((edits) =>
      edits.reduce((now, [at, length, inserted]) => Buffer.concat([now.subarray(0, at), inserted, now.subarray(at + length)]), bytes),
    );
}

describe('codecs', () => {
  it(
    'refuse any text that is no object of the kind, and take the rest',
    () => {
      const text = fc.oneof(
        fc.string(),
        anyJson.map((value) => JSON.stringify(value)),
        mangled(Buffer.from(JSON.stringify(samplePod))).map(String),
      );
      fc.assert(
        fc.property(text, fc.constantFrom('Strict' as const, 'Warn' as const, 'Ignore' as const), (given, validation) => {
          const decoded = refusesOrDoes(() => decodeJson(pod, given, { validation }));
          if (decoded !== undefined) expect(decodeObject(pod, decoded.object, { validation: 'Ignore' }).object).toEqual(decoded.object);
        }),
        runs,
      );
    },
    timeoutMs,
  );

  it(
    'refuse any bytes that are no protobuf, and write what they take',
    () => {
      const good = Buffer.from(encodeProtobuf(pod, decodeObject(pod, samplePod, { validation: 'Ignore' }).object));
      const bytes = fc.oneof(
        fc.uint8Array().map((given) => Buffer.concat([good.subarray(0, 4), given])),
        mangled(good),
        mangled(good.subarray(0, 60)),
      );
      fc.assert(
        fc.property(bytes, (given) => {
          const object = refusesOrDoes(() => decodeProtobuf(given, pod).object);
          if (object !== undefined) refusesOrDoes(() => encodeProtobuf(pod, object));
        }),
        runs,
      );
    },
    timeoutMs,
  );

  it('refuse what is nested too deeply', () => {
    for (const open of ['[', '{"a":', '[{"a":']) {
      const text = open.repeat(100_000);
      const error = refusesOrDoes(() => decodeJson(pod, text, { validation: 'Ignore' }));
      expect(error).toBeUndefined();
    }
  });
});

/** RFC 6902 in the plainest way: on a copy of the whole document, for the operations that have no way of failing here. */
function naivePatch(document: unknown, operations: readonly Operation[]): unknown {
  let root = structuredClone(document);
  for (const { op, path, value } of operations) {
    const steps = path
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop();
    if (last === undefined) {
      root = value;
      continue;
    }
    const parent = steps.reduce((node, step) => (node as Record<string, unknown>)[step], root) as Record<string, unknown>;
    if (op === 'remove' && Array.isArray(parent)) parent.splice(Number(last), 1);
    else if (op === 'remove') Reflect.deleteProperty(parent, last);
    else if (op === 'add' && Array.isArray(parent)) parent.splice(last === '-' ? parent.length : Number(last), 0, structuredClone(value));
    else parent[last] = structuredClone(value);
  }
  return root;
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

describe('patches', () => {
  const path = fc.oneof(
    fc.constantFrom(
      '/metadata/labels/app',
      '/metadata/labels/new',
      '/spec/containers/0',
      '/spec/containers/-',
      '/spec/containers/1/args/0',
      '/spec/tolerations',
      '',
    ),
    fc.array(word, { maxLength: 4 }).map((steps) => steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')),
  );
  const operation = fc.record({
    op: fc.constantFrom('add', 'replace', 'remove', 'test', 'move', 'copy', 'other'),
    path,
    from: path,
    value: anyJson,
  });

  it(
    'in JSON do what RFC 6902 says or are refused, and leave the document alone',
    () => {
      fc.assert(
        fc.property(fc.array(operation, { maxLength: 6 }), (operations) => {
          const before = structuredClone(samplePod);
          const result = refusesOrDoes(() => ({ made: applyJsonPatch(samplePod, operations) }));
          expect(samplePod).toEqual(before);
          const plain = operations.every(({ op, path: at }) => ['add', 'replace', 'remove'].includes(op) && !at.includes('__proto__'));
          if (result !== undefined && plain) expect(result.made).toEqual(naivePatch(samplePod, operations));
        }),
        runs,
      );
    },
    timeoutMs,
  );

  it('cannot grow a document without bound', () => {
    const copies = Array.from({ length: 40 }, (_, at) => ({ op: 'copy', from: '', path: `/${at.toString()}` }));
    expect(refusesOrDoes(() => applyJsonPatch({ text: 'x'.repeat(1000) }, copies))).toBeUndefined();
  });

  it('of ten thousand operations on a long list take their time once', () => {
    const list = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`k${at.toString()}`, at]));
    const operations = Array.from({ length: 10_000 }, (_, at) => ({ op: 'replace', path: `/data/k${at.toString()}`, value: 'x' }));
    const { data } = applyJsonPatch({ data: list }, operations) as { data: Record<string, unknown> };
    expect([data['k9999'], data['k10000']]).toEqual(['x', 10_000]);
    const many = Array.from({ length: 30_000 }, (_, at) => ({ name: at.toString(), image: 'x' }));
    const merged = applyStrategicMergePatch({ spec: { containers: many } }, { spec: { containers: [...many].reverse() } }, pod);
    expect((merged as { spec: { containers: unknown[] } }).spec.containers).toHaveLength(30_000);
  });

  it(
    'of any form merge as RFC 7386 says, and leave the document alone',
    () => {
      const naive = (target: unknown, patch: unknown): unknown => {
        if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
        const result = new Map(typeof target === 'object' && target !== null && !Array.isArray(target) ? Object.entries(target) : []);
        for (const [key, value] of Object.entries(patch)) {
          if (value === null) result.delete(key);
          else result.set(key, naive(result.get(key), value));
        }
        return Object.fromEntries(result);
      };
      fc.assert(
        fc.property(anyJson, anyJson, (target, patch) => {
          const before = structuredClone(target);
          expect(sameJson(applyMergePatch(target, patch), naive(target, patch))).toBe(true);
          expect(target).toEqual(before);
        }),
        runs,
      );
    },
    timeoutMs,
  );

  it(
    'that merge by the schema do so or are refused, and mean the same a second time',
    () => {
      fc.assert(
        fc.property(anyJson, (patch) => {
          const before = structuredClone(samplePod);
          const once = refusesOrDoes(() => applyStrategicMergePatch(samplePod, patch, pod));
          expect(samplePod).toEqual(before);
          if (once !== undefined) refusesOrDoes(() => decodeObject(pod, once, { validation: 'Warn' }));
        }),
        runs,
      );
    },
    timeoutMs,
  );

  it(
    'that are applied do so or are refused, and change nothing when repeated',
    () => {
      const object = anyJson.map((spec) => ({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'x' },
        spec: { template: { spec } },
      }));
      fc.assert(
        fc.property(object, object, (first, second) => {
          let live: KubeObject | undefined;
          for (const [at, given] of [first, second, second].entries()) {
            const decoded = refusesOrDoes(() => decodeObject(deployment, given, { validation: 'Ignore', sparse: true }));
            if (decoded === undefined || typedFaults(given, deployment).length > 0) return;
            const applied = decoded.object as unknown as KubeObject;
            const made = serverSideApply({ descriptor: deployment, live, applied, manager: 'm', force: true, now: '2026-01-02T03:04:05Z' });
            // An empty list of items has no fields, so its applier does not own what it lies in.
            if (at === 2 && !JSON.stringify(given).includes('[]')) expect(made.changed).toBe(false);
            live = made.object;
          }
        }),
        runs,
      );
    },
    timeoutMs,
  );
});
