import { superuserGroup } from '../chain/user.ts';
import { noOpinion } from './authorizer.ts';
import type { Authorizer } from './authorizer.ts';

/** Members of `system:masters` may do everything: the way back in when RBAC is broken. */
export const superuser: Authorizer = {
  authorize: (user) => Promise.resolve(user.groups.includes(superuserGroup) ? { verdict: 'allow', reason: '' } : noOpinion),
};
