import { isConflict, isNotFound, resources } from '@bayplan/api';
import type { ClusterRole, KubeObject, PolicyRule, RbacV1Subject as Subject, ResourceRef, RoleRef } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import { missingRules } from '../authorization/rbac-rules.ts';
import { clusterRoleBindings, clusterRoles } from './cluster-roles.ts';
import type { BootstrapRole, BootstrapSubject } from './cluster-roles.ts';
import { ensure } from './ensure.ts';
import { namespacedRoles } from './namespaced-roles.ts';

const autoupdate = 'rbac.authorization.kubernetes.io/autoupdate';
const bootstrapLabels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' } as const;
const apiGroup = 'rbac.authorization.k8s.io';

type Metadata = NonNullable<ClusterRole['metadata']>;
type RoleObject = KubeObject & { metadata: Metadata; rules?: PolicyRule[] | undefined; aggregationRule?: ClusterRole['aggregationRule'] };
type BindingObject = KubeObject & { metadata: Metadata; roleRef: RoleRef; subjects?: Subject[] | undefined };

/**
 * Writes the default roles and bindings, and brings those of an older version up to date: missing rules,
 * subjects, labels and annotations are added, nothing is taken away. `autoupdate: "false"` keeps one as it is.
 */
export async function ensureRoles(client: Client): Promise<void> {
  // All at once: the store writes what is waiting together.
  await Promise.all(clusterRoles.map((role) => ensureRole(client, resources.clusterRoles as ResourceRef<RoleObject>, clusterRole(role))));
  await Promise.all(
    clusterRoleBindings.map((binding) =>
      ensureBinding(client, resources.clusterRoleBindings as ResourceRef<BindingObject>, {
        metadata: metadataOf(binding.name),
        roleRef: { apiGroup, kind: 'ClusterRole', name: binding.role },
        subjects: binding.subjects.map(subjectOf),
      }),
    ),
  );
  for (const namespace of new Set(namespacedRoles.map((role) => role.namespace)))
    await ensure(client, resources.namespaces, { metadata: { name: namespace } });
  for (const { namespace, name, rules, binding, subjects } of namespacedRoles) {
    await ensureRole(client, resources.roles as ResourceRef<RoleObject>, {
      metadata: { ...metadataOf(name), namespace },
      rules: [...rules],
    });
    await ensureBinding(client, resources.roleBindings as ResourceRef<BindingObject>, {
      metadata: { ...metadataOf(binding ?? name), namespace },
      roleRef: { apiGroup, kind: 'Role', name },
      subjects: subjects.map(subjectOf),
    });
  }
}

function clusterRole(role: BootstrapRole): RoleObject {
  const metadata = { ...metadataOf(role.name), labels: { ...bootstrapLabels, ...role.labels } };
  if (role.aggregates === undefined) return { metadata, rules: [...role.rules] };
  return {
    metadata,
    rules: aggregatedRules(role.aggregates),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [role.aggregates]: 'true' } }] },
  };
}

async function ensureRole(client: Client, ref: ResourceRef<RoleObject>, wanted: RoleObject): Promise<void> {
  const present = await ensure(client, ref, wanted);
  if (present.metadata.annotations?.[autoupdate] === 'false') return;
  // The rules of an aggregating role follow from others.
  const missing = wanted.aggregationRule === undefined ? missingRules(present.rules ?? [], wanted.rules ?? []) : [];
  const metadata = mergedMetadata(present.metadata, wanted.metadata);
  const aggregates = wanted.aggregationRule !== undefined && (present.aggregationRule?.clusterRoleSelectors ?? []).length === 0;
  if (missing.length === 0 && metadata === undefined && !aggregates) return;
  await write(client, ref, {
    ...present,
    metadata: metadata ?? present.metadata,
    ...(wanted.aggregationRule === undefined ? { rules: [...(present.rules ?? []), ...missing] } : {}),
    ...(aggregates ? { aggregationRule: wanted.aggregationRule } : {}),
  });
}

async function ensureBinding(client: Client, ref: ResourceRef<BindingObject>, wanted: BindingObject): Promise<void> {
  const present = await ensure(client, ref, wanted);
  if (present.metadata.annotations?.[autoupdate] === 'false') return;
  if (present.roleRef.kind !== wanted.roleRef.kind || present.roleRef.name !== wanted.roleRef.name) {
    // What a binding refers to never changes: it has to be another binding.
    const { name = '', namespace, uid } = present.metadata;
    await client.delete(ref, { name, namespace }, { preconditions: { ...(uid === undefined ? {} : { uid }) } }).catch(ignoreRace);
    await ensure(client, ref, wanted);
    return;
  }
  const has = (subject: Subject): boolean =>
    (present.subjects ?? []).some(
      ({ kind, name, namespace }) => kind === subject.kind && name === subject.name && (namespace ?? '') === (subject.namespace ?? ''),
    );
  const missing = (wanted.subjects ?? []).filter((subject) => !has(subject));
  const metadata = mergedMetadata(present.metadata, wanted.metadata);
  if (missing.length === 0 && metadata === undefined) return;
  await write(client, ref, { ...present, metadata: metadata ?? present.metadata, subjects: [...(present.subjects ?? []), ...missing] });
}

/** Undefined when nothing is missing. What is there already is left as it is. */
function mergedMetadata(present: Metadata, wanted: Metadata): Metadata | undefined {
  const labels = { ...wanted.labels, ...present.labels };
  const annotations = { ...wanted.annotations, ...present.annotations };
  const same =
    Object.keys(labels).length === Object.keys(present.labels ?? {}).length &&
    Object.keys(annotations).length === Object.keys(present.annotations ?? {}).length;
  return same ? undefined : { ...present, labels, annotations };
}

async function write<T extends KubeObject>(client: Client, ref: ResourceRef<T>, object: T): Promise<void> {
  await client.update(ref, object).catch(ignoreRace);
}

/** Another server brings it up to date. */
function ignoreRace(error: unknown): void {
  if (!isConflict(error) && !isNotFound(error)) throw error;
}

function aggregatedRules(label: string): PolicyRule[] {
  return clusterRoles
    .filter((role) => role.labels?.[label] === 'true')
    .flatMap((role) => (role.aggregates === undefined ? [...role.rules] : aggregatedRules(role.aggregates)));
}

function subjectOf(subject: BootstrapSubject): Subject {
  return subject.kind === 'ServiceAccount' ? { ...subject } : { ...subject, apiGroup };
}

function metadataOf(name: string) {
  return { name, annotations: { [autoupdate]: 'true' }, labels: { ...bootstrapLabels } };
}
