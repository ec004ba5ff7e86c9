import { badRequest, FieldPath, fieldForbidden, fieldInvalid, fieldRequired, invalid, methodNotSupported } from '@bayplan/api';
import type {
  FieldError,
  KubeObject,
  ResourceAttributes,
  NonResourceAttributes,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from '@bayplan/api';
import type { Access, Authorizer } from '../authorization/authorizer.ts';
import { selectorsOfTexts, unselective } from '../authorization/selector-attributes.ts';
import type { SelectorAttributes } from '../authorization/selector-attributes.ts';
import type { Outcome } from '../chain/outcome.ts';
import type { User } from '../chain/user.ts';
import { admitReview } from '../admission/admit-review.ts';
import { decodeBody } from '../registry/decode-object.ts';
import type { SpecialHandler } from '../registry/dispatch.ts';

type Whose = 'self' | 'any' | 'local';

interface AccessSpec {
  readonly resourceAttributes?: ResourceAttributes | undefined;
  readonly nonResourceAttributes?: NonResourceAttributes | undefined;
}

/** "May somebody …?" for the caller, for anybody, and within a namespace. */
export function accessReviewHandlers(authorizer: Authorizer): Map<string, SpecialHandler> {
  const review =
    (whose: Whose): SpecialHandler =>
    async (services, context, resource) => {
      if (context.info.verb !== 'create') throw methodNotSupported(resource, context.info.verb);
      const object = (await decodeBody(context, resource, 'Ignore')) as SubjectAccessReview & KubeObject;
      await admitReview(services, context, resource, object);
      const faults = faultsOf(object, whose, context.info.namespace);
      if (faults.length > 0) throw invalid(resource, '', faults);
      const user = whose === 'self' ? context.user : subjectOf(object);
      const decision = await authorizer.authorize(user, accessOf(object.spec));
      const status = {
        allowed: decision.verdict === 'allow',
        ...(decision.verdict === 'deny' ? { denied: true } : {}),
        ...(decision.reason === '' ? {} : { reason: decision.reason }),
        ...(decision.error === undefined ? {} : { evaluationError: decision.error.message }),
      };
      return answer({ ...object, status });
    };
  return new Map([
    ['authorization.k8s.io/selfsubjectaccessreviews', review('self')],
    ['authorization.k8s.io/subjectaccessreviews', review('any')],
    ['authorization.k8s.io/localsubjectaccessreviews', review('local')],
  ]);
}

function faultsOf({ metadata, spec }: SubjectAccessReview & KubeObject, whose: Whose, namespace: string): FieldError[] {
  const { resourceAttributes, nonResourceAttributes, user, groups } = spec;
  const path = FieldPath.of('spec');
  const faults: FieldError[] = [];
  if (resourceAttributes && nonResourceAttributes)
    faults.push(
      fieldInvalid(
        path.child('nonResourceAttributes'),
        nonResourceAttributes,
        'cannot be specified in combination with resourceAttributes',
      ),
    );
  if (!resourceAttributes && !nonResourceAttributes)
    faults.push(
      fieldInvalid(path.child('resourceAttributes'), null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'),
    );
  for (const name of ['fieldSelector', 'labelSelector'] as const) {
    const selector = resourceAttributes?.[name];
    if (!selector) continue;
    const at = path.child('resourceAttributes', name);
    const requirements = selector.requirements ?? [];
    if (selector.rawSelector && requirements.length > 0)
      faults.push(fieldInvalid(at.child('rawSelector'), selector.rawSelector, 'may not specified at the same time as requirements'));
    if (!selector.rawSelector && requirements.length === 0)
      faults.push(fieldRequired(at.child('requirements'), `when ${at.toString()} is specified, requirements or rawSelector is required`));
    requirements.forEach(({ key, operator, values }, index) => {
      const here = at.child('requirements').index(index);
      if (!key) faults.push(fieldRequired(here.child('key'), 'must be specified'));
      const needsValues = operator === 'In' || operator === 'NotIn';
      if (needsValues && (values ?? []).length === 0)
        faults.push(fieldRequired(here.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
      else if (!needsValues && operator !== 'Exists' && operator !== 'DoesNotExist')
        faults.push(fieldInvalid(here.child('operator'), operator, 'not a valid selector operator'));
      else if (!needsValues && (values ?? []).length > 0)
        faults.push(fieldForbidden(here.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    });
  }
  if (whose !== 'self' && !user && (groups ?? []).length === 0)
    faults.push(fieldInvalid(path.child('user'), '', 'at least one of user or group must be specified'));
  if (whose === 'local') {
    if (resourceAttributes && (resourceAttributes.namespace ?? '') !== namespace)
      faults.push(
        fieldInvalid(path.child('resourceAttributes', 'namespace'), resourceAttributes.namespace ?? '', 'must match metadata.namespace'),
      );
    if (nonResourceAttributes)
      faults.push(fieldInvalid(path.child('nonResourceAttributes'), nonResourceAttributes, 'disallowed on this kind of request'));
  } else if (metadata.name || metadata.namespace) faults.push(fieldInvalid(FieldPath.of('metadata'), metadata, 'must be empty'));
  return faults;
}

function subjectOf(review: SubjectAccessReview): User {
  const { user = '', groups = [], uid, extra = {} } = review.spec;
  return { name: user, groups, extra, ...(uid === undefined ? {} : { uid }) };
}

function accessOf(spec: AccessSpec): Access {
  const resource = spec.resourceAttributes;
  if (!resource) {
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
    selectors: () => selectorsOf(resource),
  };
}

/** Raw selectors are parsed, requirements taken as they are; both at once are refused by validation. */
function selectorsOf({ fieldSelector, labelSelector }: ResourceAttributes): SelectorAttributes {
  const raw = selectorsOfTexts(fieldSelector?.rawSelector ?? '', labelSelector?.rawSelector ?? '');
  const plain = (requirements: readonly { key: string; operator: string; values?: readonly string[] | undefined }[] | undefined) =>
    (requirements ?? []).flatMap(({ key, operator, values = [] }) =>
      operator === 'In' || operator === 'NotIn' || operator === 'Exists' || operator === 'DoesNotExist'
        ? [{ key, operator, values } as const]
        : [],
    );
  const field = [...raw.field, ...plain(fieldSelector?.requirements)];
  const label = [...raw.label, ...plain(labelSelector?.requirements)];
  return field.length + label.length === 0 ? unselective : { field, label };
}

/** What the caller may do in a namespace: `kubectl auth can-i --list`. */
export function rulesReviewHandler(authorizer: Authorizer): SpecialHandler {
  return async (services, context, resource) => {
    if (context.info.verb !== 'create') throw methodNotSupported(resource, context.info.verb);
    const object = (await decodeBody(context, resource, 'Ignore')) as SelfSubjectRulesReview & KubeObject;
    await admitReview(services, context, resource, object);
    const namespace = object.spec.namespace ?? '';
    if (namespace === '') throw badRequest('no namespace on request');
    const { rules = [], incomplete = true, errors = [] } = (await authorizer.rulesFor?.(context.user, namespace)) ?? {};
    const status = {
      resourceRules: rules.filter((rule) => (rule.resources ?? []).length > 0),
      nonResourceRules: rules.filter((rule) => (rule.nonResourceURLs ?? []).length > 0),
      incomplete,
      ...(errors.length === 0 ? {} : { evaluationError: errors.join(', ') }),
    };
    return answer({ ...object, status });
  };
}

function answer(value: object): Outcome {
  return { kind: 'value', status: 201, value };
}
