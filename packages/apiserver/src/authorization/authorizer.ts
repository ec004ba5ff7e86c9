import type { RequestInfo } from '../chain/request-info.ts';
import type { User } from '../chain/user.ts';

/** What somebody wants to do: of an object of the API, or with a plain path. */
export type Access = ResourceAccess | PathAccess;

export interface ResourceAccess {
  readonly kind: 'resource';
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** Empty: all namespaces, or cluster-scoped. */
  readonly namespace: string;
  readonly name: string;
  /** What a list or watch is narrowed to, as it was asked for. */
  readonly labelSelector?: string;
}

export interface PathAccess {
  readonly kind: 'path';
  readonly verb: string;
  readonly path: string;
}

export type Decision = { readonly verdict: 'allow' | 'deny' | 'no-opinion'; readonly reason: string };

export interface Authorizer {
  authorize(user: User, access: Access): Promise<Decision>;
}

export const noOpinion: Decision = { verdict: 'no-opinion', reason: '' };

/** The first authoriser with an opinion decides. */
export function union(authorizers: readonly Authorizer[]): Authorizer {
  return {
    async authorize(user, access) {
      const reasons: string[] = [];
      for (const authorizer of authorizers) {
        const decision = await authorizer.authorize(user, access);
        if (decision.verdict !== 'no-opinion') return decision;
        if (decision.reason !== '') reasons.push(decision.reason);
      }
      return { verdict: 'no-opinion', reason: reasons.join('\n') };
    },
  };
}

export function accessOf(info: RequestInfo): Access {
  if (!info.isResource) return { kind: 'path', verb: info.verb, path: info.path };
  const { verb, group, version, resource, subresource, namespace, name, labelSelector } = info;
  return {
    kind: 'resource',
    verb,
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
    ...(labelSelector === '' ? {} : { labelSelector }),
  };
}
