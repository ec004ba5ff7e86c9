import { accessDenied, internalError } from '@bayplan/api';
import { accessOf } from '../authorization/authorizer.ts';
import type { Access, Authorizer } from '../authorization/authorizer.ts';
import type { User } from './user.ts';
import type { Step } from './chain.ts';

/** Step 5: may they? Answers 403. */
export function authorize(authorizer: Authorizer): Step {
  return async (context, next) => {
    await demandAccess(authorizer, context.user, accessOf(context.info, context.request));
    return next();
  };
}

/** Throws `Forbidden` unless `user` is allowed `access`. */
export async function demandAccess(authorizer: Authorizer, user: User, access: Access): Promise<void> {
  const decision = await authorizer.authorize(user, access);
  if (decision.verdict === 'allow') return;
  if (decision.error !== undefined) throw internalError(decision.error.message, decision.error);
  const { reason } = decision;
  if (access.kind === 'path')
    throw accessDenied({ user: user.name, verb: access.verb, group: '', resource: '', path: access.path, reason });
  const { verb, group, resource, subresource, namespace, name } = access;
  throw accessDenied({
    user: user.name,
    verb,
    group,
    resource: subresource === '' ? resource : `${resource}/${subresource}`,
    namespace,
    name,
    reason,
  });
}
