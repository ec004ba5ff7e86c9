import { isConflict, resources, sameJson } from '@bayplan/api';
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import { clusterRoleBindings, clusterRoles } from './cluster-roles.ts';
import type { BootstrapRole } from './cluster-roles.ts';
import { ensure } from './ensure.ts';
import { read, rule } from './rules.ts';

const autoupdate = 'rbac.authorization.kubernetes.io/autoupdate';
const bootstrapLabels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' } as const;
const apiGroup = 'rbac.authorization.k8s.io';

/** Writes the default roles and bindings; adds what is missing from those that may be kept up to date. */
export async function ensureRoles(client: Client): Promise<void> {
  for (const role of clusterRoles) await ensureClusterRole(client, role);
  for (const binding of clusterRoleBindings) {
    await ensure(client, resources.clusterRoleBindings, {
      metadata: metadataOf(binding.name),
      roleRef: { apiGroup, kind: 'ClusterRole', name: binding.role },
      subjects: binding.subjects.map((subject) => ({ ...subject, apiGroup })),
    } satisfies ClusterRoleBinding);
  }
  await ensureNamespacedRoles(client);
}

async function ensureClusterRole(client: Client, role: BootstrapRole): Promise<void> {
  const wanted: ClusterRole & { metadata: NonNullable<ClusterRole['metadata']> } = {
    metadata: { ...metadataOf(role.name), labels: { ...bootstrapLabels, ...role.labels } },
    rules: [...(role.aggregates === undefined ? role.rules : aggregatedRules(role.aggregates))],
    ...(role.aggregates === undefined
      ? {}
      : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [role.aggregates]: 'true' } }] } }),
  };
  const present = await ensure(client, resources.clusterRoles, wanted);
  if (present.metadata?.annotations?.[autoupdate] !== 'true' || role.aggregates !== undefined) return;
  const missing = (wanted.rules ?? []).filter((one) => !(present.rules ?? []).some((other) => sameJson(one, other)));
  if (missing.length === 0) return;
  try {
    await client.update(resources.clusterRoles, { ...present, rules: [...(present.rules ?? []), ...missing] } as typeof wanted);
  } catch (error) {
    // Another server brings it up to date.
    if (!isConflict(error)) throw error;
  }
}

function aggregatedRules(label: string): PolicyRule[] {
  return clusterRoles
    .filter((role) => role.labels?.[label] === 'true')
    .flatMap((role) => (role.aggregates === undefined ? [...role.rules] : aggregatedRules(role.aggregates)));
}

function metadataOf(name: string) {
  return { name, annotations: { [autoupdate]: 'true' }, labels: { ...bootstrapLabels } };
}

interface NamespacedRole {
  readonly namespace: string;
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  readonly subjects: RoleBinding['subjects'];
}

const namespacedRoles: readonly NamespacedRole[] = [
  {
    namespace: 'kube-system',
    name: 'extension-apiserver-authentication-reader',
    rules: [rule(read, '', 'configmaps', ['extension-apiserver-authentication'])],
    subjects: [
      { kind: 'User', apiGroup, name: 'system:kube-controller-manager' },
      { kind: 'User', apiGroup, name: 'system:kube-scheduler' },
    ],
  },
  {
    namespace: 'kube-public',
    name: 'system:bayplan:cluster-info',
    rules: [rule(['get'], '', 'configmaps', ['cluster-info'])],
    subjects: [{ kind: 'User', apiGroup, name: 'system:anonymous' }],
  },
];

async function ensureNamespacedRoles(client: Client): Promise<void> {
  for (const { namespace, name, rules, subjects } of namespacedRoles) {
    await ensure(client, resources.namespaces, { metadata: { name: namespace } });
    const metadata = { ...metadataOf(name), namespace };
    await ensure(client, resources.roles, { metadata, rules: [...rules] } satisfies Role);
    await ensure(client, resources.roleBindings, {
      metadata,
      roleRef: { apiGroup, kind: 'Role', name },
      ...(subjects === undefined ? {} : { subjects }),
    });
  }
}
