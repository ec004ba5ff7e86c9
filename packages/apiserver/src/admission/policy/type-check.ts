import type { ExpressionWarning, ValidatingAdmissionPolicySpec } from '@bayplan/api';
import type { CelType, Environment } from '@bayplan/cel';
import { compile } from '@bayplan/cel';
import { descriptorOf } from '../../registry/decode-object.ts';
import type { Registry } from '../../registry/registry.ts';
import type { ServedResource } from '../../registry/served-resource.ts';
import { composeVariables } from './composed-variables.ts';
import { descriptorType } from './descriptor-type.ts';
import { policyEnvironment } from './policy-environment.ts';
import { resourceOfKind } from './policy-params.ts';

/** Most kinds that one rule is checked against. */
const maxKinds = 10;

interface CheckedKind {
  readonly name: string;
  readonly environment: Environment;
}

/** What is doubtful about a policy's expressions, given the schemas of the kinds that it names without patterns. */
export function expressionWarnings(spec: ValidatingAdmissionPolicySpec, registry: Registry): ExpressionWarning[] {
  const kinds = kindsToCheck(spec, registry);
  const warnings: ExpressionWarning[] = [];
  const check = (fieldRef: string, expression: string | undefined): void => {
    if (expression === undefined || expression === '') return;
    const texts = kinds.flatMap(({ name, environment }) => {
      const compiled = compile(expression, environment);
      return compiled.ok ? [] : [`${name}: ${compiled.text}\n`];
    });
    if (texts.length > 0) warnings.push({ fieldRef, warning: texts.join('\n') });
  };
  (spec.validations ?? []).forEach((validation, position) => {
    const path = `spec.validations[${position.toString()}]`;
    check(`${path}.expression`, validation.expression);
    check(`${path}.messageExpression`, validation.messageExpression);
  });
  return warnings;
}

function kindsToCheck(spec: ValidatingAdmissionPolicySpec, registry: Registry): CheckedKind[] {
  const found = new Map<string, ServedResource>();
  for (const rule of spec.matchConstraints?.resourceRules ?? []) {
    const { apiGroups = [], apiVersions = [] } = rule;
    const resources = (rule.resources ?? []).filter((resource) => !/[*/]/.test(resource));
    if ([...apiGroups, ...apiVersions].some((one) => one.includes('*'))) continue;
    let count = 0;
    for (const group of apiGroups) {
      for (const version of apiVersions) {
        for (const name of resources) {
          const resource = registry.find(group, version, name);
          if (resource === undefined || count >= maxKinds) continue;
          found.set(`${resource.apiVersion}, Kind=${resource.kind}`, resource);
          count += 1;
        }
      }
    }
  }
  const { paramKind } = spec;
  const params = paramKind === undefined ? undefined : resourceOfKind(registry, paramKind.apiVersion ?? '', paramKind.kind ?? '');
  const paramsType = params === undefined ? undefined : typeOf(params);
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, resource]) => {
      const type = typeOf(resource);
      const types: Record<string, CelType> = { object: type, oldObject: type, ...(paramsType === undefined ? {} : { params: paramsType }) };
      const base = policyEnvironment({ params: paramKind !== undefined, authorizer: true, patches: false, types });
      const sources = (spec.variables ?? []).map((variable) => ({ name: variable.name, expression: variable.expression }));
      return { name, environment: composeVariables(sources, base).environment };
    });
}

function typeOf(resource: ServedResource): CelType {
  return descriptorType(descriptorOf(resource));
}
