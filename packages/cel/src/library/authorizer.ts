import { parseFieldSelector, parseLabelSelector } from '@bayplan/api';
import type { FunctionDeclaration, OverloadOptions } from '../check/declarations.ts';
import { declare, member } from '../check/declarations.ts';
import { constant } from '../cost/call-costs.ts';
import { fixed, scaled, sum, unknownSize } from '../cost/estimates.ts';
import { boolType, objectType, stringType } from '../types/types.ts';
import { sizeOf } from '../values/fits.ts';
import type { EvalValue, Value } from '../values/value.ts';
import { CelError, CelObject } from '../values/value.ts';

const name = (part: string): string => `kubernetes.authorization.${part}`;
export const authorizerType = objectType(name('Authorizer'), {});
export const pathCheckType = objectType(name('PathCheck'), {});
export const groupCheckType = objectType(name('GroupCheck'), {});
export const resourceCheckType = objectType(name('ResourceCheck'), {});
export const decisionType = objectType(name('Decision'), {});

/** What an expression asks: may somebody do that? */
export interface AccessQuestion {
  /** Asked about a ServiceAccount instead of who makes the request. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
  readonly verb: string;
  /** Set instead of a resource. */
  readonly path?: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface AccessAnswer {
  readonly allowed: boolean;
  readonly reason: string;
  readonly error?: string;
}

/**
 * Answers questions of an expression. When the answer is not known yet it returns undefined: the evaluation then ends
 * with `pending` set to the question, to be run again once the answer is known.
 */
export interface AccessOracle {
  answer(question: AccessQuestion): AccessAnswer | undefined;
}

/** Thrown through an evaluation that must wait; `Program.evaluate` catches it. */
export class AwaitsAnswer extends Error {
  readonly question: AccessQuestion;

  constructor(question: AccessQuestion) {
    super('an answer is awaited');
    this.question = question;
  }
}

const noQuestion = { verb: '', group: '', resource: '', subresource: '', namespace: '', name: '' };

/** The value of `authorizer`, and of every check built on it. Immutable. */
export class CelAuthorizer extends CelObject {
  readonly type;
  readonly oracle: AccessOracle;
  readonly question: AccessQuestion;

  constructor(oracle: AccessOracle, type = authorizerType, question: AccessQuestion = noQuestion) {
    super();
    this.oracle = oracle;
    this.type = type;
    this.question = question;
  }

  with(part: Partial<AccessQuestion>, type = this.type): CelAuthorizer {
    return new CelAuthorizer(this.oracle, type, { ...this.question, ...part });
  }

  /** `authorizer.requestResource` */
  forResource(resource: Omit<AccessQuestion, 'verb'>): CelAuthorizer {
    return this.with(resource, resourceCheckType);
  }
}

class CelDecision extends CelObject {
  readonly type = decisionType;
  readonly answer: AccessAnswer;

  constructor(answer: AccessAnswer) {
    super();
    this.answer = answer;
  }
}

const on = (value: Value): CelAuthorizer => value as CelAuthorizer;

function check(value: Value, verb: Value): EvalValue {
  const asked = on(value).with({ verb: verb as string });
  const answer = asked.oracle.answer(asked.question);
  if (answer === undefined) throw new AwaitsAnswer(asked.question);
  return new CelDecision(answer);
}

/** A selector that is none narrows nothing. */
function selector(field: 'fieldSelector' | 'labelSelector'): (value: Value, text: Value) => EvalValue {
  return (value, text) => {
    try {
      if (field === 'labelSelector') parseLabelSelector(text as string);
      else parseFieldSelector(text as string);
    } catch {
      return value;
    }
    return on(value).with({ [field]: text as string });
  };
}

const setter =
  (field: 'subresource' | 'namespace' | 'name'): ((value: Value, text: Value) => EvalValue) =>
  (value, text) =>
    on(value).with({ [field]: text as string });

function serviceAccount(value: Value, namespace: Value, account: Value): EvalValue {
  if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(account as string)) return new CelError('Invalid service account name');
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace as string)) return new CelError('Invalid service account namespace');
  return on(value).with({ serviceAccount: { namespace: namespace as string, name: account as string } });
}

/** Only two checks fit in the budget of one expression. */
const checking = constant(350_000);
const cheap = constant(1);
const perSelector: OverloadOptions = {
  cost: ([, text]) => 10 + Math.ceil(sizeOf(text ?? null) * 0.1) + Math.ceil(sizeOf(text ?? null) * 0.5) * 50,
  estimate: ([, text]) => {
    const size = text?.size ?? unknownSize;
    return { cost: sum(fixed(10), sum(scaled(size, 0.1), scaled(scaled(size, 0.5), 50))) };
  },
};
const s = stringType;
const decision = (value: Value): AccessAnswer => (value as CelDecision).answer;

/** Authorisation checks, for environments that have an authorizer. */
export const authorizerFunctions: readonly FunctionDeclaration[] = [
  declare(
    'path',
    member(
      'authorizer_path',
      [authorizerType, s],
      pathCheckType,
      (value, path) => (path === '' ? new CelError('path must not be empty') : on(value).with({ path: path as string }, pathCheckType)),
      cheap,
    ),
  ),
  declare(
    'group',
    member(
      'authorizer_group',
      [authorizerType, s],
      groupCheckType,
      (value, group) => on(value).with({ group: group as string }, groupCheckType),
      cheap,
    ),
  ),
  declare('serviceAccount', member('authorizer_serviceaccount', [authorizerType, s, s], authorizerType, serviceAccount, cheap)),
  declare(
    'resource',
    member(
      'groupcheck_resource',
      [groupCheckType, s],
      resourceCheckType,
      (value, resource) =>
        resource === '' ? new CelError('resource must not be empty') : on(value).with({ resource: resource as string }, resourceCheckType),
      cheap,
    ),
  ),
  declare('subresource', member('resourcecheck_subresource', [resourceCheckType, s], resourceCheckType, setter('subresource'), cheap)),
  declare('namespace', member('resourcecheck_namespace', [resourceCheckType, s], resourceCheckType, setter('namespace'), cheap)),
  declare('name', member('resourcecheck_name', [resourceCheckType, s], resourceCheckType, setter('name'), cheap)),
  declare(
    'fieldSelector',
    member('authorizer_fieldselector', [resourceCheckType, s], resourceCheckType, selector('fieldSelector'), perSelector),
  ),
  declare(
    'labelSelector',
    member('authorizer_labelselector', [resourceCheckType, s], resourceCheckType, selector('labelSelector'), perSelector),
  ),
  declare(
    'check',
    member('pathcheck_check', [pathCheckType, s], decisionType, check, checking),
    member('resourcecheck_check', [resourceCheckType, s], decisionType, check, checking),
  ),
  declare(
    'errored',
    member('decision_errored', [decisionType], boolType, (value) => decision(value).error !== undefined, cheap),
  ),
  declare(
    'error',
    member('decision_error', [decisionType], s, (value) => decision(value).error ?? '', cheap),
  ),
  declare(
    'allowed',
    member('decision_allowed', [decisionType], boolType, (value) => decision(value).allowed, cheap),
  ),
  declare(
    'reason',
    member('decision_reason', [decisionType], s, (value) => decision(value).reason, cheap),
  ),
];
