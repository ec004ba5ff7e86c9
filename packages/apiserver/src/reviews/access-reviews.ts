import { badRequest, methodNotSupported } from '@bayplan/api';
import type {
  KubeObject,
  PolicyRule,
  ResourceAttributes,
  NonResourceAttributes,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from '@bayplan/api';
import type { Access, Authorizer } from '../authorization/authorizer.ts';
import type { RbacAuthorizer } from '../authorization/rbac.ts';
import { nodeNameOf } from '../authorization/node-authorizer.ts';
import { nodeRules } from '../authorization/node-rules.ts';
import type { Outcome } from '../chain/outcome.ts';
import { superuserGroup } from '../chain/user.ts';
import type { User } from '../chain/user.ts';
import { decodeBody } from '../registry/decode-object.ts';
import type { SpecialHandler } from '../registry/dispatch.ts';

interface AccessSpec {
  readonly resourceAttributes?: ResourceAttributes;
  readonly nonResourceAttributes?: NonResourceAttributes;
}

/** "May somebody …?" for the caller, for anybody, and within a namespace. */
export function accessReviewHandlers(authorizer: Authorizer): Map<string, SpecialHandler> {
  const review =
    (whose: 'self' | 'any' | 'local'): SpecialHandler =>
    async (_services, context, resource) => {
      if (context.info.verb !== 'create') throw methodNotSupported(resource, context.info.verb);
      const object = (await decodeBody(context, resource, 'Ignore')) as SubjectAccessReview & KubeObject;
      const spec = object.spec;
      if ((spec.resourceAttributes === undefined) === (spec.nonResourceAttributes === undefined)) {
        throw badRequest('spec: exactly one of nonResourceAttributes or resourceAttributes must be specified');
      }
      if (whose === 'local' && (spec.resourceAttributes?.namespace ?? '') !== context.info.namespace) {
        throw badRequest('spec.resourceAttributes.namespace must match metadata.namespace');
      }
      const user = whose === 'self' ? context.user : subjectOf(object);
      const decision = await authorizer.authorize(user, accessOf(spec as AccessSpec));
      const status = {
        allowed: decision.verdict === 'allow',
        ...(decision.verdict === 'deny' ? { denied: true } : {}),
        ...(decision.reason === '' ? {} : { reason: decision.reason }),
      };
      return answer({ ...object, status });
    };
  return new Map([
    ['authorization.k8s.io/selfsubjectaccessreviews', review('self')],
    ['authorization.k8s.io/subjectaccessreviews', review('any')],
    ['authorization.k8s.io/localsubjectaccessreviews', review('local')],
  ]);
}

function subjectOf(review: SubjectAccessReview): User {
  const { user = '', groups = [], uid, extra = {} } = review.spec;
  if (user === '' && groups.length === 0) throw badRequest('spec.user: Invalid value: "": at least one of user or group must be specified');
  return { name: user, groups, extra, ...(uid === undefined ? {} : { uid }) };
}

function accessOf(spec: AccessSpec): Access {
  const resource = spec.resourceAttributes;
  if (resource === undefined) {
    return { kind: 'path', verb: spec.nonResourceAttributes?.verb ?? '', path: spec.nonResourceAttributes?.path ?? '' };
  }
  return {
    kind: 'resource',
    verb: resource.verb ?? '',
    group: resource.group ?? '',
    version: resource.version ?? '',
    resource: resource.resource ?? '',
    subresource: resource.subresource ?? '',
    namespace: resource.namespace ?? '',
    name: resource.name ?? '',
  };
}

/** What the caller may do in a namespace: `kubectl auth can-i --list`. */
export function rulesReviewHandler(rbac: RbacAuthorizer): SpecialHandler {
  return async (_services, context, resource) => {
    if (context.info.verb !== 'create') throw methodNotSupported(resource, context.info.verb);
    const object = (await decodeBody(context, resource, 'Ignore')) as SelfSubjectRulesReview & KubeObject;
    const namespace = object.spec.namespace ?? '';
    if (namespace === '') throw badRequest('no namespace on request');
    const all = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
    const node = nodeNameOf(context.user) === undefined ? [] : nodeRules;
    const rules: PolicyRule[] = [
      ...(context.user.groups.includes(superuserGroup) ? [all, { verbs: ['*'], nonResourceURLs: ['*'] }] : []),
      ...node,
      ...(await rbac.rulesFor(context.user, namespace)),
    ];
    const status = {
      resourceRules: rules.filter((rule) => (rule.resources ?? []).length > 0),
      nonResourceRules: rules.filter((rule) => rule.nonResourceURLs !== undefined),
      incomplete: false,
    };
    return answer({ ...object, status });
  };
}

function answer(value: object): Outcome {
  return { kind: 'value', status: 201, value };
}
