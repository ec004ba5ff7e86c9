import type { CelType } from '@bayplan/cel';
import { baseEnvironment, CelError, compile, dynType, mapOf, objectType, stringType, listOf, toJson } from '@bayplan/cel';
import type { ExpressionCompiler } from './expressions.ts';

const strings = listOf(stringType);
const attributes = {
  namespace: stringType,
  verb: stringType,
  group: stringType,
  version: stringType,
  resource: stringType,
  subresource: stringType,
  name: stringType,
};
const requirements = listOf(objectType('kubernetes.SelectorRequirement', { key: stringType, operator: stringType, values: strings }));
const selector = (name: string): CelType => objectType(name, { rawSelector: stringType, requirements });

/** The types of the variables of configuration files; others may be anything. */
const types: Readonly<Record<string, CelType>> = {
  claims: mapOf(stringType, dynType),
  user: objectType('kubernetes.UserInfo', { username: stringType, uid: stringType, groups: strings, extra: mapOf(stringType, strings) }),
  request: objectType('kubernetes.SubjectAccessReviewSpec', {
    resourceAttributes: objectType('kubernetes.ResourceAttributes', {
      ...attributes,
      fieldSelector: selector('kubernetes.FieldSelectorAttributes'),
      labelSelector: selector('kubernetes.LabelSelectorAttributes'),
    }),
    nonResourceAttributes: objectType('kubernetes.NonResourceAttributes', { path: stringType, verb: stringType }),
    user: stringType,
    groups: strings,
    extra: mapOf(stringType, strings),
    uid: stringType,
  }),
};

/** Compiles expressions of configuration files with the types that Kubernetes gives their variables. */
export const celCompiler: ExpressionCompiler = {
  compile(expression, variables) {
    const declared = Object.fromEntries(variables.map((name) => [name, types[name] ?? dynType]));
    const compiled = compile(expression, baseEnvironment().extend({ variables: declared }));
    if (!compiled.ok) throw new Error(`compilation failed: ${compiled.text}`);
    const { program } = compiled;
    return {
      evaluate(bindings) {
        const result = program.evaluate(bindings);
        if (!result.ok) throw new Error(`expression '${expression}' resulted in error: ${result.error}`);
        const value = toJson(result.value);
        if (value instanceof CelError) throw new Error(`expression '${expression}' resulted in error: ${value.message}`);
        return value;
      },
    };
  },
};
