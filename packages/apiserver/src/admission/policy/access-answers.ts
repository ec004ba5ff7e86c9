import type { AccessAnswer, AccessOracle, AccessQuestion } from '@bayplan/cel';
import type { Access, Authorizer } from '../../authorization/authorizer.ts';
import { selectorsOfQuery } from '../../authorization/selector-attributes.ts';
import type { User } from '../../chain/user.ts';

/** Answers what expressions ask about one request; each question is put to the authoriser once. */
export class AccessAnswers implements AccessOracle {
  private readonly authorizer: Authorizer;
  private readonly user: User;
  private readonly known = new Map<string, AccessAnswer>();

  constructor(authorizer: Authorizer, user: User) {
    this.authorizer = authorizer;
    this.user = user;
  }

  answer(question: AccessQuestion): AccessAnswer | undefined {
    return this.known.get(JSON.stringify(question));
  }

  /** Finds an answer that `answer` did not know. */
  async find(question: AccessQuestion): Promise<void> {
    const { serviceAccount: account } = question;
    const user =
      account === undefined
        ? this.user
        : {
            name: `system:serviceaccount:${account.namespace}:${account.name}`,
            groups: ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`, 'system:authenticated'],
            extra: {},
          };
    const { verdict, reason, error } = await this.authorizer.authorize(user, accessOf(question));
    const answer = { allowed: verdict === 'allow', reason, ...(error === undefined ? {} : { error: error.message }) };
    this.known.set(JSON.stringify(question), answer);
  }
}

function accessOf(question: AccessQuestion): Access {
  const { verb, path, group, resource, subresource, namespace, name, fieldSelector, labelSelector } = question;
  if (path !== undefined) return { kind: 'path', verb, path };
  const access = { kind: 'resource', verb, group, version: '*', resource, subresource, namespace, name } as const;
  if (fieldSelector === undefined && labelSelector === undefined) return access;
  const query = new URLSearchParams({
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
  });
  return { ...access, selectors: () => selectorsOfQuery(verb, query) };
}
