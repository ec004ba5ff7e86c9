import { selectorOf } from '@bayplan/api';
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RbacV1Subject as Subject, Role, RoleBinding, RoleRef } from '@bayplan/api';
import type { User } from '../chain/user.ts';
import type { Registry } from '../registry/registry.ts';
import type { ResourceCache } from '../registry/resource-cache.ts';
import { noOpinion } from './authorizer.ts';
import type { Access, Authorizer, Decision, KnownRules } from './authorizer.ts';
import { ruleAllows } from './rbac-rules.ts';

const group = 'rbac.authorization.k8s.io';

/** A binding as a subject sees it: the rules it gives, and the words for why. */
interface Grant {
  readonly rules: readonly PolicyRule[];
  readonly reason: string;
  /** The role does not exist: the text of that. */
  readonly missing?: string;
}

interface SubjectGrants {
  readonly everywhere: Grant[];
  readonly byNamespace: Map<string, Grant[]>;
}

/** Roles and bindings, indexed by subject; made again when one of them has changed. */
export class RbacAuthorizer implements Authorizer {
  private readonly roles: ResourceCache;
  private readonly clusterRoles: ResourceCache;
  private readonly bindings: ResourceCache;
  private readonly clusterBindings: ResourceCache;
  private readonly caches: readonly ResourceCache[];
  private bySubject = new Map<string, SubjectGrants>();
  private indexedAt = -1;

  constructor(registry: Registry) {
    const cacheOf = (resource: string): ResourceCache => registry.stored(group, 'v1', resource).storage.cache;
    this.roles = cacheOf('roles');
    this.clusterRoles = cacheOf('clusterroles');
    this.bindings = cacheOf('rolebindings');
    this.clusterBindings = cacheOf('clusterrolebindings');
    this.caches = [this.roles, this.clusterRoles, this.bindings, this.clusterBindings];
  }

  async authorize(user: User, access: Access): Promise<Decision> {
    await this.refresh();
    const namespace = access.kind === 'resource' ? access.namespace : '';
    let missing: string[] | undefined;
    for (const grant of this.grantsOf(user, namespace)) {
      for (const rule of grant.rules) if (ruleAllows(rule, access)) return { verdict: 'allow', reason: grant.reason };
      if (grant.missing !== undefined) (missing ??= []).push(grant.missing);
    }
    return missing === undefined ? noOpinion : { verdict: 'no-opinion', reason: `RBAC: ${aggregated(missing)}` };
  }

  /** Every rule that holds for `user` in `namespace`; `''` means at the cluster scope. */
  async rulesFor(user: User, namespace: string): Promise<KnownRules> {
    await this.refresh();
    const grants = [...this.grantsOf(user, namespace)];
    const missing = grants.flatMap((grant) => grant.missing ?? []);
    return { rules: grants.flatMap((grant) => grant.rules), incomplete: false, errors: missing.length === 0 ? [] : [aggregated(missing)] };
  }

  /** The rules of a role, aggregation included; undefined when there is none of that name. */
  async rulesOf(ref: RoleRef, namespace: string): Promise<readonly PolicyRule[] | undefined> {
    await this.refresh();
    return this.exists(ref, namespace) ? this.resolve(ref, namespace) : undefined;
  }

  private *grantsOf(user: User, namespace: string): Generator<Grant> {
    for (const subject of [`User ${user.name}`, ...user.groups.map((name) => `Group ${name}`)]) {
      const grants = this.bySubject.get(subject);
      if (grants === undefined) continue;
      yield* grants.everywhere;
      if (namespace !== '') yield* grants.byNamespace.get(namespace) ?? [];
    }
  }

  private async refresh(): Promise<void> {
    for (const cache of this.caches) await cache.start();
    let changes = 0;
    for (const cache of this.caches) changes += cache.changes;
    if (changes === this.indexedAt) return;
    this.indexedAt = changes;
    this.bySubject = new Map();
    for (const { stored, name } of this.clusterBindings.list(everything)) {
      const binding = stored.object as unknown as ClusterRoleBinding;
      const reason = `RBAC: allowed by ClusterRoleBinding "${name}" of ${binding.roleRef.kind} "${binding.roleRef.name}"`;
      this.add(binding, '', this.grantOf(binding.roleRef, '', reason));
    }
    for (const { stored, name, namespace } of this.bindings.list(everything)) {
      const binding = stored.object as unknown as RoleBinding;
      const reason = `RBAC: allowed by RoleBinding "${name}/${namespace}" of ${binding.roleRef.kind} "${binding.roleRef.name}"`;
      this.add(binding, namespace, this.grantOf(binding.roleRef, namespace, reason));
    }
  }

  private add(binding: ClusterRoleBinding | RoleBinding, namespace: string, grant: Grant): void {
    if (grant.rules.length === 0 && grant.missing === undefined) return;
    for (const subject of binding.subjects ?? []) {
      const own = { ...grant, reason: `${grant.reason} to ${nameOf(subject, namespace)}` };
      const key =
        subject.kind === 'ServiceAccount'
          ? `User system:serviceaccount:${subject.namespace ?? namespace}:${subject.name}`
          : `${subject.kind} ${subject.name}`;
      let grants = this.bySubject.get(key);
      if (grants === undefined) this.bySubject.set(key, (grants = { everywhere: [], byNamespace: new Map() }));
      if (namespace === '') grants.everywhere.push(own);
      else {
        const kept = grants.byNamespace.get(namespace);
        if (kept === undefined) grants.byNamespace.set(namespace, [own]);
        else kept.push(own);
      }
    }
  }

  private grantOf(ref: RoleRef, namespace: string, reason: string): Grant {
    if (this.exists(ref, namespace)) return { rules: this.resolve(ref, namespace), reason };
    return { rules: [], reason, missing: `${ref.kind.toLowerCase()}.${group} ${JSON.stringify(ref.name)} not found` };
  }

  private exists(ref: RoleRef, namespace: string): boolean {
    return (ref.kind === 'Role' ? this.roles.get(namespace, ref.name) : this.clusterRoles.get('', ref.name)) !== undefined;
  }

  private resolve(ref: RoleRef, namespace: string): readonly PolicyRule[] {
    if (ref.kind === 'Role') return (this.roles.get(namespace, ref.name)?.stored.object as Role | undefined)?.rules ?? [];
    const role = this.clusterRoles.get('', ref.name)?.stored.object as ClusterRole | undefined;
    if (role === undefined) return [];
    const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
    if (selectors.length === 0) return role.rules ?? [];
    const matching = this.clusterRoles
      .list(everything)
      .filter((entry) => entry.name !== ref.name && selectors.some((selector) => selectorOf(selector).matches(entry.labels)));
    return matching.flatMap((entry) => (entry.stored.object as ClusterRole).rules ?? []);
  }
}

/** Several errors as Kubernetes writes them: once each, in brackets when there are more than one. */
function aggregated(texts: readonly string[]): string {
  const unique = [...new Set(texts)];
  return unique.length === 1 ? (unique[0] ?? '') : `[${unique.join(', ')}]`;
}

const everything = { matches: () => true } as const;

function nameOf(subject: Subject, namespace: string): string {
  const name = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? namespace}` : subject.name;
  return `${subject.kind} "${name}"`;
}
