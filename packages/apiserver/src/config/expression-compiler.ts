import { baseEnvironment, CelError, compile, dynType, listOf, mapOf, objectType, stringType, toJson, typeText } from '@bayplan/cel';
import type { CelType } from '@bayplan/cel';
import type { ExpressionCompiler, ExpressionVariable } from './expressions.ts';

/** Most that one evaluation may cost. */
const costLimit = 10_000_000;

const extra = mapOf(stringType, listOf(stringType));
const requirement = objectType('kubernetes.SelectorRequirement', { key: stringType, operator: stringType, values: listOf(stringType) });
const selector = objectType('kubernetes.SelectorAttributes', { rawSelector: stringType, requirements: listOf(requirement) });

const types: Readonly<Record<ExpressionVariable, CelType>> = {
  claims: mapOf(stringType, dynType),
  user: objectType('kubernetes.UserInfo', { username: stringType, uid: stringType, groups: listOf(stringType), extra }),
  request: objectType('kubernetes.SubjectAccessReviewSpec', {
    resourceAttributes: objectType('kubernetes.ResourceAttributes', {
      namespace: stringType,
      verb: stringType,
      group: stringType,
      version: stringType,
      resource: stringType,
      subresource: stringType,
      name: stringType,
      fieldSelector: selector,
      labelSelector: selector,
    }),
    nonResourceAttributes: objectType('kubernetes.NonResourceAttributes', { path: stringType, verb: stringType }),
    user: stringType,
    groups: listOf(stringType),
    extra,
    uid: stringType,
  }),
};

/** Expressions with the environment that Kubernetes gives those of authentication and authorisation files. */
export function createExpressionCompiler(): ExpressionCompiler {
  const base = baseEnvironment();
  return {
    compile(expression, variable, result) {
      const compiled = compile(expression, base.extend({ variables: { [variable]: types[variable] } }));
      if (!compiled.ok) throw new Error(`compilation failed: ${compiled.text}`);
      const { program } = compiled;
      const type = typeText(program.outputType);
      if (result === 'bool' && type !== 'bool') throw new Error(`must evaluate to bool but got ${type}`);
      return {
        evaluate(variables) {
          const evaluated = program.evaluate(variables, { costLimit });
          if (!evaluated.ok) throw new Error(evaluated.error);
          const value = toJson(evaluated.value);
          if (value instanceof CelError) throw new Error(value.message);
          return value;
        },
      };
    },
  };
}
