import { setImmediate } from 'node:timers/promises';
import type { Program, Value } from '@bayplan/cel';
import { CelAuthorizer } from '@bayplan/cel';
import type { Authorizer } from '../../authorization/authorizer.ts';
import type { ServedResource } from '../../registry/served-resource.ts';
import { isNamespace, kindIn } from '../webhook/hook-matching.ts';
import type { Invocation } from '../webhook/hook-matching.ts';
import type { AdmissionRequest } from '../admission.ts';
import { AccessAnswers } from './access-answers.ts';
import type { ComposedVariable } from './composed-variables.ts';
import { VariableValues } from './composed-variables.ts';

/** Most that the expressions of one policy may cost for one object and one parameter. */
export const policyCostBudget = 10_000_000;
/** Most that the match conditions of one webhook or policy may cost. */
export const conditionsCostBudget = 2_500_000;

/** About ten milliseconds. */
const costOfTurn = 250_000;

/** The objects that expressions see, in the version that was asked for. */
export interface EvaluationInput {
  readonly request: AdmissionRequest;
  readonly invocation: Invocation;
  readonly object: unknown;
  readonly oldObject: unknown;
  readonly params?: unknown;
  readonly namespaceObject?: unknown;
}

/** Nothing more of a policy can be run. */
export class OutOfBudget extends Error {
  constructor() {
    super('validation failed due to running out of cost budget, no further validation rules will be run');
  }
}

export type ExpressionResult = { readonly value: Value } | { readonly error: string };

/** Runs expressions about one request, within one budget; variables are shared by all of them. */
export class PolicyEvaluation {
  private readonly answers: AccessAnswers;
  private readonly variables: VariableValues;
  private readonly bindings: Readonly<Record<string, unknown>>;
  private remaining: number;

  constructor(input: EvaluationInput, variables: readonly ComposedVariable[], authorizer: Authorizer, budget: number) {
    this.answers = new AccessAnswers(authorizer, input.request.user);
    this.remaining = budget;
    const bindings = { ...bindingsOf(input), ...authorizerBindings(this.answers, input) };
    this.variables = new VariableValues(variables, bindings);
    this.bindings = { ...bindings, variables: this.variables };
  }

  /** Waits for answers of the authoriser as often as the expression asks. Throws `OutOfBudget`. */
  async run(program: Program): Promise<ExpressionResult> {
    for (;;) {
      const result = program.evaluate(this.bindings);
      if (!result.ok && result.pending !== undefined) {
        this.variables.takeCost();
        await this.answers.find(result.pending);
        continue;
      }
      const cost = this.variables.takeCost() + result.cost;
      this.remaining -= cost;
      if (this.remaining < 0) throw new OutOfBudget();
      await breathe(cost);
      return result.ok ? { value: result.value } : { error: `expression '${program.source}' resulted in error: ${result.error}` };
    }
  }
}

/** What evaluations of all requests have cost since other work had its turn. */
let sinceTurn = 0;

/** Lets other work have its turn after some ten milliseconds of expressions. */
async function breathe(cost: number): Promise<void> {
  sinceTurn += cost;
  if (sinceTurn < costOfTurn) return;
  sinceTurn = 0;
  await setImmediate();
}

function authorizerBindings(answers: AccessAnswers, { request }: EvaluationInput): Record<string, unknown> {
  const authorizer = new CelAuthorizer(answers);
  const { group, resource } = request.resource;
  const { subresource, namespace, name } = request;
  return { authorizer, 'authorizer.requestResource': authorizer.forResource({ group, resource, subresource, namespace, name }) };
}

function bindingsOf({ request, invocation, object, oldObject, params, namespaceObject }: EvaluationInput): Record<string, unknown> {
  return {
    object: object ?? null,
    oldObject: oldObject ?? null,
    params: params ?? null,
    namespaceObject: namespaceObject ?? null,
    request: () => requestValue(request, invocation),
  };
}

const resourceName = ({ group, version, resource }: ServedResource): object => ({ group, version, resource });

/** The request as `request` shows it: empty names are absent. */
export function requestValue(request: AdmissionRequest, { resource, kind }: Invocation): object {
  const { user, subresource } = request;
  const namespace = isNamespace(request) ? request.name || (request.object?.metadata.name ?? '') : request.namespace;
  return {
    kind,
    resource: resourceName(resource),
    requestKind: kindIn(request.resource, request),
    requestResource: resourceName(request.resource),
    ...(subresource === '' ? {} : { subResource: subresource, requestSubResource: subresource }),
    ...(request.name === '' ? {} : { name: request.name }),
    ...(namespace === '' ? {} : { namespace }),
    operation: request.operation,
    userInfo: {
      username: user.name,
      ...(user.uid === undefined || user.uid === '' ? {} : { uid: user.uid }),
      ...(user.groups.length === 0 ? {} : { groups: user.groups }),
      ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
    },
    dryRun: request.dryRun,
    options: request.options ?? null,
  };
}
