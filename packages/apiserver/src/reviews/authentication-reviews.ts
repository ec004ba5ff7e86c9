import { badRequest, isUnauthorized, methodNotSupported } from '@bayplan/api';
import type { KubeObject, TokenReview } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { Authenticator } from '../authentication/authenticator.ts';
import type { User } from '../chain/user.ts';
import { admitReview } from '../admission/admit-review.ts';
import { decodeBody } from '../registry/decode-object.ts';
import type { SpecialHandler } from '../registry/dispatch.ts';

/** "Whose token is this?" */
export function tokenReviewHandler(authenticator: Authenticator): SpecialHandler {
  return async (services, context, resource) => {
    if (context.info.verb !== 'create') throw methodNotSupported(resource, context.info.verb);
    const object = (await decodeBody(context, resource, 'Ignore')) as TokenReview & KubeObject;
    await admitReview(services, context, resource, object);
    const { token = '', audiences } = object.spec;
    if (token === '') throw badRequest('token is required for TokenReview in authentication');
    try {
      const found = await authenticator.authenticateToken(token, audiences);
      return {
        kind: 'value',
        status: 201,
        value: { ...object, status: { authenticated: true, user: userInfo(found.user), audiences: found.audiences } },
      };
    } catch (error) {
      if (!isUnauthorized(error)) throw error;
      return { kind: 'value', status: 201, value: { ...object, status: { user: {}, error: 'the token is not valid' } } };
    }
  };
}

/** "Who am I?" */
export const selfSubjectReviewHandler: SpecialHandler = async (services, context, resource) => {
  if (context.info.verb !== 'create') throw methodNotSupported(resource, context.info.verb);
  const object = await decodeBody(context, resource, 'Ignore');
  await admitReview(services, context, resource, object);
  const metadata = { creationTimestamp: timestamp(services.clock.now()) };
  return { kind: 'value', status: 201, value: { ...object, metadata, status: { userInfo: userInfo(context.user) } } };
};

function userInfo(user: User): object {
  return {
    username: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
  };
}
