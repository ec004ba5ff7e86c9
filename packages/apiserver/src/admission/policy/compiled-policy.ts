import type { AuditAnnotation, KubeObject, MatchCondition, Validation, Variable } from '@bayplan/api';
import type { Program } from '@bayplan/cel';
import type { ComposedVariable } from './composed-variables.ts';
import { composeVariables } from './composed-variables.ts';
import { compileTo, MatchConditions } from './match-conditions.ts';
import { policyEnvironment } from './policy-environment.ts';

/** An expression, or why it does not compile. */
export type Compiled = { readonly program: Program } | { readonly fault: string };

/** What both kinds of policies compile to. */
export interface CompiledBase {
  readonly conditions: MatchConditions | undefined;
  readonly variables: readonly ComposedVariable[];
}

export interface CompiledValidation {
  readonly validation: Validation;
  readonly check: Compiled;
  readonly message: Compiled | undefined;
}

export interface CompiledValidatingPolicy extends CompiledBase {
  readonly validations: readonly CompiledValidation[];
  readonly annotations: readonly { readonly key: string; readonly value: Compiled }[];
}

interface Sources {
  readonly paramKind?: unknown;
  readonly matchConditions?: readonly MatchCondition[] | undefined;
  readonly variables?: readonly Variable[] | undefined;
  readonly validations?: readonly Validation[] | undefined;
  readonly auditAnnotations?: readonly AuditAnnotation[] | undefined;
}

function compiled(result: Program | string): Compiled {
  return typeof result === 'string' ? { fault: result } : { program: result };
}

export function conditionsOf(spec: Sources): MatchConditions | undefined {
  const conditions = spec.matchConditions ?? [];
  if (conditions.length === 0) return undefined;
  const environment = policyEnvironment({ params: spec.paramKind !== undefined, authorizer: true, patches: false });
  return new MatchConditions(
    conditions.map(({ name, expression }) => ({ name, expression })),
    environment,
  );
}

function compileValidating(spec: Sources): CompiledValidatingPolicy {
  const params = spec.paramKind !== undefined;
  const sources = spec.variables ?? [];
  const { variables, environment } = composeVariables(sources, policyEnvironment({ params, authorizer: true, patches: false }));
  // Messages cannot ask for authorisation, but variables that they read may.
  const messages = composeVariables(sources, policyEnvironment({ params, authorizer: true, patches: false })).environment;
  return {
    conditions: conditionsOf(spec),
    variables,
    validations: (spec.validations ?? []).map((validation) => ({
      validation,
      check: compiled(compileTo(validation.expression, environment, 'bool')),
      message: validation.messageExpression ? compiled(compileTo(validation.messageExpression, messages, 'string')) : undefined,
    })),
    annotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key,
      value: compiled(compileTo(valueExpression, environment, 'string', 'null')),
    })),
  };
}

/** Keeps what was compiled as long as the object of the watch cache is the same. */
export class CompiledPolicies<T> {
  private kept = new Map<string, { readonly version: string; readonly made: T }>();
  private readonly make: (policy: KubeObject) => T;

  constructor(make: (policy: KubeObject) => T) {
    this.make = make;
  }

  of(policy: KubeObject): T {
    const name = policy.metadata.name ?? '';
    const version = `${policy.metadata.uid ?? ''}/${policy.metadata.resourceVersion ?? ''}`;
    const known = this.kept.get(name);
    if (known?.version === version) return known.made;
    const made = this.make(policy);
    this.kept.set(name, { version, made });
    return made;
  }

  /** Forgets policies that are gone. */
  retain(names: ReadonlySet<string>): void {
    for (const name of this.kept.keys()) if (!names.has(name)) this.kept.delete(name);
  }
}

export const validatingPolicies = (): CompiledPolicies<CompiledValidatingPolicy> =>
  new CompiledPolicies((policy) => compileValidating((policy as KubeObject & { spec?: Sources }).spec ?? {}));
