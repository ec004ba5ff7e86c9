import type { KubeObject, MatchResources, ParamKind, ParamRef } from '@bayplan/api';
import type { Registry } from '../../registry/registry.ts';

/** What policies of both kinds have in common. */
export interface AnyPolicy extends KubeObject {
  readonly spec: {
    readonly paramKind?: ParamKind | undefined;
    readonly matchConstraints?: MatchResources | undefined;
    readonly failurePolicy?: string | undefined;
  };
}

export interface AnyBinding extends KubeObject {
  readonly spec: {
    readonly policyName?: string | undefined;
    readonly paramRef?: ParamRef | undefined;
    readonly matchResources?: MatchResources | undefined;
  };
}

export interface BoundPolicy<P, B> {
  readonly policy: P;
  /** In order of their names, at least one. */
  readonly bindings: readonly B[];
}

const group = 'admissionregistration.k8s.io';

/** The policies that are bound, in order of their names; made anew only when one changes. */
export class PolicySource<P extends AnyPolicy, B extends AnyBinding> {
  private readonly registry: Registry;
  private readonly names: readonly [string, string];
  private known: readonly BoundPolicy<P, B>[] = [];
  private changes: readonly [number, number] = [-1, -1];

  /** `names`: the resources of policies and bindings. */
  constructor(registry: Registry, names: readonly [string, string]) {
    this.registry = registry;
    this.names = names;
  }

  /** What is known now: a policy takes effect once the watch has brought it, within moments of its creation. */
  async list(): Promise<readonly BoundPolicy<P, B>[]> {
    const [policies, bindings] = this.names.map((name) => this.registry.stored(group, 'v1', name).storage.cache);
    if (policies === undefined || bindings === undefined) return [];
    await policies.start();
    await bindings.start();
    if (policies.changes === this.changes[0] && bindings.changes === this.changes[1]) return this.known;
    this.changes = [policies.changes, bindings.changes];
    const byPolicy = new Map<string, B[]>();
    for (const entry of bindings.list({ matches: () => true })) {
      const binding = entry.stored.object as B;
      const name = binding.spec.policyName ?? '';
      byPolicy.set(name, [...(byPolicy.get(name) ?? []), binding]);
    }
    this.known = policies.list({ matches: () => true }).flatMap((entry) => {
      const policy = entry.stored.object as P;
      const bound = byPolicy.get(policy.metadata.name ?? '');
      return bound === undefined ? [] : [{ policy, bindings: bound }];
    });
    return this.known;
  }
}
