import { isNotFound, resources, selectorOf } from '@bayplan/api';
import type { ClusterRole, PolicyRule } from '@bayplan/api';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { canonicalJson, semanticallyEqual } from '../runtime/semantic-equality.ts';

/** Fills ClusterRoles that have an aggregation rule with the rules of all ClusterRoles that it selects. */
export async function runClusterRoleAggregationController(context: ControllerContext): Promise<void> {
  const { client, informers, signal } = context;
  const roles = informers.informer(resources.clusterRoles);
  const queue = queueFor(context, 'clusterrole_aggregation');

  onChange(context, roles, (role, previous) => {
    const part = (of: ClusterRole | undefined): unknown => [of?.rules, of?.metadata.labels, of?.aggregationRule];
    if (previous !== undefined && semanticallyEqual(part(role), part(previous))) return;
    for (const other of roles.lister.list()) if (other.aggregationRule !== undefined) queue.add(other.metadata.name ?? '');
    if (role.aggregationRule !== undefined) queue.add(role.metadata.name ?? '');
  });

  async function reconcile(name: string): Promise<void> {
    const role = roles.lister.get(name);
    if (role?.aggregationRule === undefined) return;
    const rules = aggregatedRules(role, roles.lister.list());
    if (semanticallyEqual(rules, role.rules)) return;
    try {
      await client.update(resources.clusterRoles, { ...role, rules }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  await runController(context, { queue, caches: [roles], workers: 1, reconcile });
}

/** The rules of all selected roles but the role itself, each rule once, in the order of selectors and names. */
export function aggregatedRules(role: ClusterRole, all: readonly ClusterRole[]): PolicyRule[] {
  const sorted = [...all].sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
  const found = new Map<string, PolicyRule>();
  for (const labelSelector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const selector = selectorOf(labelSelector);
    for (const other of sorted) {
      if (other.metadata.name === role.metadata.name || !selector.matches(other.metadata.labels ?? {})) continue;
      for (const rule of other.rules ?? []) found.set(canonicalJson(rule), rule);
    }
  }
  return [...found.values()];
}
