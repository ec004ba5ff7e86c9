import { accessDenied, internalError } from '@bayplan/api';
import { accessOf } from '../authorization/authorizer.ts';
import type { Access, Authorizer } from '../authorization/authorizer.ts';
import type { User } from './user.ts';
import { annotateAudit } from './context.ts';
import type { Step } from './chain.ts';

/** Step 5: may they? Answers 403. */
export function authorize(authorizer: Authorizer): Step {
  return async (context, next) => {
    const reason = await demandAccess(authorizer, context.user, accessOf(context.info, context.request)).catch((error: unknown) => {
      annotateAudit(context, 'authorization.k8s.io/decision', 'forbid');
      throw error;
    });
    annotateAudit(context, 'authorization.k8s.io/decision', 'allow');
    annotateAudit(context, 'authorization.k8s.io/reason', reason);
    return next();
  };
}

/** Resolves with why. Throws `Forbidden` unless `user` is allowed `access`. */
export async function demandAccess(authorizer: Authorizer, user: User, access: Access): Promise<string> {
  const decision = await authorizer.authorize(user, access);
  if (decision.verdict === 'allow') return decision.reason;
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
