import { beforeAll, describe, expect, it } from 'vitest';
import type { FieldError, KubeObject } from '../../../src/index.ts';
import {
  applyDefaults,
  defaultFeatureGates,
  fieldErrorText,
  findResourceOfKind,
  loadValidation,
  validateCreate,
  validateUpdateThrough,
  warningsFor,
} from '../../../src/index.ts';

/** What changes, by path; undefined takes a field away. */
export type Change = Readonly<Record<string, unknown>>;
/** A change and every fault that follows from it. */
export type Case = readonly [change: Change, ...faults: readonly string[]];

type Ref = NonNullable<ReturnType<typeof findResourceOfKind>>;

/** `GROUP/KIND`. */
function refOf(kind: string): Ref {
  const [group = '', name = ''] = kind.split('/');
  const ref = findResourceOfKind(group, group === 'autoscaling' ? 'v2' : 'v1', name);
  if (ref === undefined) throw new Error(`no kind ${kind}`);
  return ref;
}

function setAt(object: Record<string, unknown>, path: string, value: unknown): void {
  const steps = path.split(/\.(?![^[]*\])|\[(?=[^\]]*\])|\]/).filter((step) => step !== '');
  let here = object;
  for (const step of steps.slice(0, -1)) {
    here[step] ??= {};
    here = here[step] as Record<string, unknown>;
  }
  const last = steps.at(-1) ?? '';
  if (value === undefined) Reflect.deleteProperty(here, last);
  else here[last] = value;
}

/** A copy of `base` with some fields changed, defaulted as the server does. */
export function made(kind: string, base: object, change: Change = {}): KubeObject {
  const ref = refOf(kind);
  const meta = { name: 'x', uid: 'u', ...(ref.namespaced ? { namespace: 'd' } : {}) };
  const copy = structuredClone({ ...base, metadata: { ...meta, ...(base as KubeObject).metadata } }) as unknown as Record<string, unknown>;
  for (const [path, value] of Object.entries(change)) setAt(copy, path, structuredClone(value));
  applyDefaults(ref.group, ref.version, ref.kind, copy, defaultFeatureGates);
  return copy as unknown as KubeObject;
}

function run(title: string, kind: string, cases: readonly Case[], judge: (ref: Ref, change: Change) => FieldError[]): void {
  describe(title, () => {
    beforeAll(() => loadValidation(refOf(kind)));
    it.each(
      cases.map(
        ([change, ...faults]) => [JSON.stringify(change, (_, value: unknown) => value ?? null).slice(0, 120), change, faults] as const,
      ),
    )('%s', (_, change, faults) => {
      expect(judge(refOf(kind), change).map(fieldErrorText)).toEqual(faults);
    });
  });
}

export function refuses(kind: string, base: object, cases: readonly Case[]): void {
  run(`a new ${kind}`, kind, [[{}], ...cases], (ref, change) => validateCreate(ref, made(kind, base, change)));
}

export function refusesThrough(kind: string, endpoint: string, old: object, cases: readonly Case[]): void {
  run(`an update of ${kind}${endpoint === '' ? '' : ` through ${endpoint}`}`, kind, [[{}], ...cases], (ref, change) =>
    validateUpdateThrough(ref, endpoint, made(kind, old, change), made(kind, old)),
  );
}

export function refusesUpdate(kind: string, old: object, cases: readonly Case[]): void {
  refusesThrough(kind, '', old, cases);
}

/** A new object and every warning it brings. */
export function warns(kind: string, base: object, cases: readonly Case[]): void {
  describe(`warnings of ${kind}`, () => {
    it.each([[{}] as Case, ...cases].map(([change, ...warnings]) => [JSON.stringify(change).slice(0, 120), change, warnings] as const))(
      '%s',
      (_, change, warnings) => {
        expect(warningsFor(refOf(kind), made(kind, base, change), undefined)).toEqual(warnings);
      },
    );
  });
}
