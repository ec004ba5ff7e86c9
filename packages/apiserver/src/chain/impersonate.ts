import { unescaped } from '../authentication/header-keys.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { demandAccess } from './authorize.ts';
import type { Step } from './chain.ts';
import { badRequest } from '@bayplan/api';
import type { ApiRequest } from '../http/request.ts';
import { anonymous } from './user.ts';
import type { User } from './user.ts';

const extraPrefix = 'impersonate-extra-';
const authenticatedGroup = 'system:authenticated';
const unauthenticated = 'system:unauthenticated';

/** Step 3: acts as somebody else, if the caller may impersonate every part of them. */
export function impersonate(authorizer: Authorizer): Step {
  return async (context, next) => {
    const wanted = wantedBy(context.request);
    if (wanted === undefined) return next();
    for (const access of impersonations(wanted)) {
      await demandAccess(authorizer, context.user, { kind: 'resource', verb: 'impersonate', ...access });
    }
    context.impersonator = context.user;
    context.user = target(wanted);
    return next();
  };
}

interface Wanted {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid: string;
  readonly extra: User['extra'];
}

/** Undefined when nobody else is asked for. Throws when a part of somebody is, but no name. */
function wantedBy(request: ApiRequest): Wanted | undefined {
  const name = request.headers['impersonate-user'] ?? '';
  const groups = valuesOf(request, 'impersonate-group');
  const uid = request.headers['impersonate-uid'] ?? '';
  const extra: Record<string, readonly string[]> = {};
  for (const header of Object.keys(request.headers)) {
    if (header.startsWith(extraPrefix)) extra[unescaped(header.slice(extraPrefix.length))] = valuesOf(request, header);
  }
  if (name !== '') return { name, groups, uid, extra };
  const parts = [
    ...groups.map((group) => `Group ${group}`),
    ...Object.entries(extra).flatMap(([key, values]) => values.map((value) => `UserExtra ${key}=${value}`)),
    ...(uid === '' ? [] : [`UID ${uid}`]),
  ];
  if (parts.length > 0) throw badRequest(`requested [${parts.join(' ')}] without impersonating a user`);
  return undefined;
}

/** Values may hold commas, which only the transport can tell from several headers. */
function valuesOf(request: ApiRequest, header: string): readonly string[] {
  if (request.headers[header] === undefined) return [];
  return request.headerValues?.(header) ?? (request.headers[header] ?? '').split(',').map((part) => part.trim());
}

interface Impersonation {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

function* impersonations({ name, groups, uid, extra }: Wanted): Generator<Impersonation> {
  const core = { group: '', version: '', subresource: '', namespace: '' } as const;
  const authentication = { group: 'authentication.k8s.io', version: 'v1', subresource: '', namespace: '' } as const;
  const account = serviceAccountOf(name);
  if (account === undefined) yield { ...core, resource: 'users', name };
  else yield { ...core, resource: 'serviceaccounts', ...account };
  for (const group of groups) yield { ...core, resource: 'groups', name: group };
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) yield { ...authentication, resource: 'userextras', subresource: key, name: value };
  }
  if (uid !== '') yield { ...authentication, resource: 'uids', name: uid };
}

function target({ name, groups: asked, uid, extra }: Wanted): User {
  const account = serviceAccountOf(name);
  const groups =
    asked.length === 0 && account !== undefined ? ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`] : [...asked];
  const implied = name === anonymous.name ? unauthenticated : authenticatedGroup;
  const known = implied === unauthenticated ? [unauthenticated] : [authenticatedGroup, unauthenticated];
  if (!groups.some((group) => known.includes(group))) groups.push(implied);
  return { name, groups, extra, ...(uid === '' ? {} : { uid }) };
}

function serviceAccountOf(name: string): { namespace: string; name: string } | undefined {
  const match = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
  return match?.[1] === undefined || match[2] === undefined ? undefined : { namespace: match[1], name: match[2] };
}
