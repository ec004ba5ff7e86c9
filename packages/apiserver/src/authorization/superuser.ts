import { superuserGroup } from '../chain/user.ts';
import { noOpinion } from './authorizer.ts';
import type { Authorizer, KnownRules } from './authorizer.ts';

const everything = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** Members of `system:masters` may do everything: the way back in when RBAC is broken. */
export const superuser: Authorizer = {
  authorize: (user) => Promise.resolve(user.groups.includes(superuserGroup) ? { verdict: 'allow', reason: '' } : noOpinion),
  rulesFor: (user) =>
    Promise.resolve({ rules: user.groups.includes(superuserGroup) ? everything : [], incomplete: false, errors: [] } satisfies KnownRules),
};
