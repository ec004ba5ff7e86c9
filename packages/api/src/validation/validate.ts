import type { GroupKind } from '../errors/constructors.ts';
import type { FieldError } from '../errors/field-error.ts';
import { dns1123SubdomainFaults } from '../names.ts';
import type { KubeObject } from '../object.ts';
import { commonRules } from './common-rules.ts';
import type { Faults } from './faults.ts';
import type { KindRules, RuleTable } from './kind-rules.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from './object-meta.ts';

const none: KindRules = {};
let rareRules: RuleTable | undefined;
let loading: Promise<void> | undefined;

/** The kind of an object and where it lives; a `ResourceRef` fits. */
export interface ValidatedKind extends GroupKind {
  readonly namespaced: boolean;
}

/**
 * Loads the rules of a kind; must have been done before it is validated. Undefined when they are there
 * already, as they always are for kinds that are written often. Resolved by import, so it cannot be
 * cancelled and does not fail.
 */
export function loadValidation(kind: GroupKind): Promise<void> | undefined {
  if (rareRules !== undefined || !isBuiltin(kind) || commonRules[`${kind.group}/${kind.kind}`] !== undefined) return undefined;
  loading ??= import('./rare-rules.ts').then((module) => {
    rareRules = module.rareRules;
  });
  return loading;
}

/** Groups of the cluster's own; those of custom resources have domains of others. */
function isBuiltin({ group }: GroupKind): boolean {
  return !group.includes('.') || group.endsWith('.k8s.io');
}

function rulesOf({ group, kind }: GroupKind): KindRules {
  const key = `${group}/${kind}`;
  const common = commonRules[key];
  if (common !== undefined) return common;
  if (!isBuiltin({ group, kind })) return none;
  if (rareRules === undefined) throw new Error(`the rules of ${key} were not loaded`);
  return rareRules[key] ?? none;
}

/**
 * Every fault of a new object, in Kubernetes' words; empty when it is sound. The object is decoded
 * and defaulted, has its name, and is in the version in which it is stored; `loadValidation` was
 * awaited. Kinds without rules of their own are checked for metadata only.
 */
export function validateCreate(kind: ValidatedKind, object: KubeObject): FieldError[] {
  const faults: Faults = [];
  const { always, create, nameSyntax = dns1123SubdomainFaults } = rulesOf(kind);
  validateObjectMeta(object.metadata, kind.namespaced, nameSyntax, faults);
  always?.(object as never, faults);
  create?.(object as never, faults);
  return faults;
}

/** Every fault of an update: of the new object as it is, and of what changed. */
export function validateUpdate(kind: ValidatedKind, next: KubeObject, old: KubeObject): FieldError[] {
  const faults = metadataFaults(kind, next, old);
  const { always, update } = rulesOf(kind);
  always?.(next as never, faults);
  update?.(next as never, old as never, faults);
  return faults;
}

/** Every fault of a write to the status endpoint. */
export function validateStatusUpdate(kind: ValidatedKind, next: KubeObject, old: KubeObject): FieldError[] {
  const faults = metadataFaults(kind, next, old);
  rulesOf(kind).status?.(next as never, old as never, faults);
  return faults;
}

/** Every fault of an update through any endpoint of an object; the object itself is the empty name. */
export function validateUpdateThrough(kind: ValidatedKind, endpoint: string, next: KubeObject, old: KubeObject): FieldError[] {
  if (endpoint === '' || endpoint === 'scale') return validateUpdate(kind, next, old);
  const own = rulesOf(kind).through?.[endpoint];
  if (own === undefined) return validateStatusUpdate(kind, next, old);
  const faults = metadataFaults(kind, next, old);
  own(next as never, old as never, faults);
  return faults;
}

/** The name cannot change, so its syntax was judged when the object was made. */
function metadataFaults(kind: ValidatedKind, next: KubeObject, old: KubeObject): Faults {
  const faults: Faults = [];
  validateObjectMeta(next.metadata, kind.namespaced, anyName, faults);
  validateObjectMetaUpdate(next.metadata, old.metadata, faults);
  return faults;
}

function anyName(): string[] {
  return [];
}
