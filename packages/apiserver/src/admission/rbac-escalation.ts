import { forbidden, notFound, sameJson } from '@bayplan/api';
import type { PolicyRule, Role, RoleBinding, RoleRef } from '@bayplan/api';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { RbacAuthorizer } from '../authorization/rbac.ts';
import { missingRules, ruleText } from '../authorization/rbac-rules.ts';
import { superuserGroup } from '../chain/user.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

const group = 'rbac.authorization.k8s.io';

/** Nobody grants what they do not hold, unless they may `escalate` (roles) or `bind` (bindings). */
export function rbacEscalation(rbac: RbacAuthorizer, authorizer: () => Authorizer): AdmissionPlugin {
  const may = async (request: AdmissionRequest, verb: string, resource: string, name: string): Promise<boolean> => {
    const access = { kind: 'resource', verb, group, version: 'v1', resource, subresource: '', namespace: request.namespace, name } as const;
    return (await authorizer().authorize(request.user, access)).verdict === 'allow';
  };
  const demand = async (request: AdmissionRequest, wanted: readonly PolicyRule[]): Promise<void> => {
    const { rules: held, errors } = await rbac.rulesFor(request.user, request.namespace);
    const missing = missingRules(held, wanted);
    if (missing.length === 0) return;
    const groups = request.user.groups.map((name) => JSON.stringify(name)).join(' ');
    throw forbidden(
      request.resource,
      request.name,
      `user ${JSON.stringify(request.user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${missing.map(ruleText).sort().join('\n')}${errors.length === 0 ? '' : `; resolution errors: [${errors.join(' ')}]`}`,
    );
  };
  return {
    name: 'RBACEscalation',
    async validate(request) {
      const { resource, operation, object, old, user } = request;
      if (resource.group !== group || (operation !== 'CREATE' && operation !== 'UPDATE') || object === undefined) return;
      if (user.groups.includes(superuserGroup)) return;
      if (resource.resource === 'roles' || resource.resource === 'clusterroles') {
        const role = object as Role & { aggregationRule?: unknown };
        const before = old as typeof role | undefined;
        if (before !== undefined && sameJson(role.rules, before.rules) && sameJson(role.aggregationRule, before.aggregationRule)) return;
        if (await may(request, 'escalate', resource.resource, request.name)) return;
        // What an aggregating role will hold cannot be known now.
        const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
        return demand(request, role.aggregationRule === undefined || role.aggregationRule === null ? (role.rules ?? []) : [everything]);
      }
      const binding = object as RoleBinding;
      const before = old as RoleBinding | undefined;
      if (before !== undefined && sameJson(binding.subjects, before.subjects)) return;
      if (await may(request, 'bind', pluralOf(binding.roleRef), binding.roleRef.name)) return;
      const rules = await rbac.rulesOf(binding.roleRef, request.namespace);
      if (rules === undefined) throw notFound({ group, resource: pluralOf(binding.roleRef) }, binding.roleRef.name);
      return demand(request, rules);
    },
  };
}

function pluralOf(ref: RoleRef): string {
  return ref.kind === 'Role' ? 'roles' : 'clusterroles';
}
