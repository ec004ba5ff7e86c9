import type { RequestInfo } from '../chain/request-info.ts';
import type { PolicyRule } from '@bayplan/api';
import type { User } from '../chain/user.ts';
import { selectorsOfQuery } from './selector-attributes.ts';
import type { SelectorAttributes } from './selector-attributes.ts';

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
  /** What the request is narrowed to; absent means nothing. */
  readonly selectors?: () => SelectorAttributes;
}

export interface PathAccess {
  readonly kind: 'path';
  readonly verb: string;
  readonly path: string;
}

export interface Decision {
  readonly verdict: 'allow' | 'deny' | 'no-opinion';
  readonly reason: string;
  /** Why an authoriser could not decide as it should have. */
  readonly error?: Error;
}

export interface Authorizer {
  authorize(user: User, access: Access): Promise<Decision>;
  /** What `user` may do in a namespace, as far as it can be told without asking for each thing. */
  rulesFor?(user: User, namespace: string): Promise<KnownRules>;
}

export interface KnownRules {
  readonly rules: readonly PolicyRule[];
  /** There may be more. */
  readonly incomplete: boolean;
  readonly errors: readonly string[];
}

export const noOpinion: Decision = { verdict: 'no-opinion', reason: '' };

/** The first authoriser with an opinion decides. */
export function union(authorizers: readonly Authorizer[]): Authorizer {
  return {
    async authorize(user, access) {
      const reasons: string[] = [];
      const errors: Error[] = [];
      for (const authorizer of authorizers) {
        const decision = await authorizer.authorize(user, access);
        if (decision.verdict !== 'no-opinion') return decision;
        if (decision.reason !== '') reasons.push(decision.reason);
        if (decision.error !== undefined) errors.push(decision.error);
      }
      const [error] = errors;
      return { verdict: 'no-opinion', reason: reasons.join('\n'), ...(error === undefined ? {} : { error }) };
    },
    async rulesFor(user, namespace) {
      const found = await Promise.all(authorizers.map((authorizer) => authorizer.rulesFor?.(user, namespace)));
      return {
        rules: found.flatMap((one) => one?.rules ?? []),
        incomplete: found.some((one) => one?.incomplete === true),
        errors: found.flatMap((one) => one?.errors ?? []),
      };
    },
  };
}

export function accessOf(info: RequestInfo, request?: { readonly query: URLSearchParams }): Access {
  if (!info.isResource) return { kind: 'path', verb: info.verb, path: info.path };
  const { verb, group, version, resource, subresource, namespace, name } = info;
  const access = { kind: 'resource', verb, group, version, resource, subresource, namespace, name } as const;
  return request === undefined ? access : { ...access, selectors: () => selectorsOfQuery(verb, request.query) };
}
