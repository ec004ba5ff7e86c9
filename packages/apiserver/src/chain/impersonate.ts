import type { Authorizer } from '../authorization/authorizer.ts';
import { demandAccess } from './authorize.ts';
import type { Step } from './chain.ts';
import { badRequest } from '@bayplan/api';
import { anonymous, authenticated } from './user.ts';
import type { User } from './user.ts';

const extraPrefix = 'impersonate-extra-';

/** Step 3: acts as somebody else, if the caller may impersonate every part of them. */
export function impersonate(authorizer: Authorizer): Step {
  return async (context, next) => {
    const { headers } = context.request;
    const name = headers['impersonate-user'];
    const groups = (headers['impersonate-group'] ?? '')
      .split(',')
      .map((group) => group.trim())
      .filter((group) => group !== '');
    const uid = headers['impersonate-uid'];
    const extra = extraOf(headers);
    if (name === undefined) {
      if (groups.length > 0 || uid !== undefined || Object.keys(extra).length > 0)
        throw badRequest('requested impersonation without impersonating a user');
      return next();
    }
    for (const access of impersonations(name, groups, uid, extra)) {
      await demandAccess(authorizer, context.user, { kind: 'resource', verb: 'impersonate', version: 'v1', ...access });
    }
    context.user = target(name, groups, uid, extra);
    return next();
  };
}

interface Impersonation {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

function* impersonations(name: string, groups: readonly string[], uid: string | undefined, extra: User['extra']): Generator<Impersonation> {
  const account = serviceAccountOf(name);
  if (account === undefined) yield { group: '', resource: 'users', subresource: '', namespace: '', name };
  else yield { group: '', resource: 'serviceaccounts', subresource: '', ...account };
  for (const group of groups) yield { group: '', resource: 'groups', subresource: '', namespace: '', name: group };
  if (uid !== undefined) yield { group: 'authentication.k8s.io', resource: 'uids', subresource: '', namespace: '', name: uid };
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values)
      yield { group: 'authentication.k8s.io', resource: 'userextras', subresource: key, namespace: '', name: value };
  }
}

function target(name: string, groups: readonly string[], uid: string | undefined, extra: User['extra']): User {
  if (name === anonymous.name) return { ...anonymous, groups: groups.length > 0 ? groups : anonymous.groups, extra };
  const account = serviceAccountOf(name);
  const implied =
    groups.length === 0 && account !== undefined ? ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`] : groups;
  return authenticated(name, implied, { extra, ...(uid === undefined ? {} : { uid }) });
}

function serviceAccountOf(name: string): { namespace: string; name: string } | undefined {
  const match = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
  return match?.[1] === undefined || match[2] === undefined ? undefined : { namespace: match[1], name: match[2] };
}

function extraOf(headers: Readonly<Record<string, string | undefined>>): Record<string, string[]> {
  const extra: Record<string, string[]> = {};
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith(extraPrefix) || value === undefined) continue;
    extra[decodeURIComponent(header.slice(extraPrefix.length))] = value.split(',').map((part) => part.trim());
  }
  return extra;
}
