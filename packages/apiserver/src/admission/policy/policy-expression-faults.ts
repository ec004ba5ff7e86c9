import type {
  AuditAnnotation,
  FieldError,
  KubeObject,
  MatchCondition,
  Mutation,
  MutatingAdmissionPolicySpec,
  ValidatingAdmissionPolicySpec,
  Validation,
} from '@bayplan/api';
import {
  byteLength,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  FieldPath,
  fieldRequired,
  fieldTooMany,
  qualifiedNameFaults,
} from '@bayplan/api';
import type { Environment } from '@bayplan/cel';
import { escapeName } from '@bayplan/cel';
import { composeVariables } from './composed-variables.ts';
import { compileTo } from './match-conditions.ts';
import { policyEnvironment } from './policy-environment.ts';
import { matchResourcesFaults, memberFaults, paramKindFaults } from './policy-faults.ts';

const maxConditions = 64;
const maxAnnotations = 20;
const maxAnnotationExpression = 5 * 1024;
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];
const lineBreak = /[\n\r]/;

function compileFaults(path: FieldPath, expression: string, environment: Environment, ...types: readonly string[]): FieldError[] {
  const compiled = compileTo(expression, environment, ...types);
  return typeof compiled === 'string' ? [fieldInvalid(path, expression, compiled)] : [];
}

/** Every fault of match conditions; `params` says whether they may use them. */
export function conditionFaults(conditions: readonly MatchCondition[] | undefined, path: FieldPath, params: boolean): FieldError[] {
  const list = conditions ?? [];
  const faults = list.length > maxConditions ? [fieldTooMany(path, list.length, maxConditions)] : [];
  const seen = new Set<string>();
  list.forEach(({ name, expression }, position) => {
    const at = path.index(position);
    if (!expression.trim()) faults.push(fieldRequired(at.child('expression')));
    if (name === '') faults.push(fieldRequired(at.child('name')));
    else for (const fault of qualifiedNameFaults(name)) faults.push(fieldInvalid(at.child('name'), name, fault));
    if (seen.has(name)) faults.push(fieldDuplicate(at.child('name'), name));
    if (name !== '') seen.add(name);
  });
  return [...faults, ...conditionExpressionFaults(list, path, params)];
}

/** Those of the expressions alone. */
export function conditionExpressionFaults(conditions: readonly MatchCondition[], path: FieldPath, params: boolean): FieldError[] {
  const environment = policyEnvironment({ params, authorizer: true, patches: false });
  return conditions.flatMap(({ expression }, position) => {
    const text = expression.trim();
    return text === '' ? [] : compileFaults(path.index(position).child('expression'), text, environment, 'bool');
  });
}

type AnySpec = ValidatingAdmissionPolicySpec | MutatingAdmissionPolicySpec;

function commonFaults(spec: AnySpec, path: FieldPath): FieldError[] {
  const faults = memberFaults(spec.failurePolicy, ['Fail', 'Ignore'], path.child('failurePolicy'));
  faults.push(...paramKindFaults(spec.paramKind, path.child('paramKind')));
  const constraints = path.child('matchConstraints');
  if (spec.matchConstraints === undefined) faults.push(fieldRequired(constraints));
  else {
    faults.push(...matchResourcesFaults(spec.matchConstraints, constraints));
    if ((spec.matchConstraints.resourceRules ?? []).length === 0) faults.push(fieldRequired(constraints.child('resourceRules')));
  }
  faults.push(...conditionFaults(spec.matchConditions, path.child('matchConditions'), spec.paramKind !== undefined));
  return faults;
}

function variableFaults(spec: AnySpec, path: FieldPath, base: Environment): FieldError[] {
  const sources = (spec.variables ?? []).map(({ name = '', expression = '' }) => ({ name, expression }));
  const { variables } = composeVariables(sources, base);
  return sources.flatMap(({ name, expression }, position) => {
    const at = path.child('variables').index(position);
    const faults: FieldError[] = [];
    if (name.trim() === '') faults.push(fieldRequired(at.child('name'), 'name is not specified'));
    else if (escapeName(name) !== name || !/^[_a-zA-Z]\w*$/.test(name)) {
      faults.push(fieldInvalid(at.child('name'), name, 'name is not a valid CEL identifier'));
    }
    const fault = variables[position]?.fault;
    if (expression.trim() === '') faults.push(fieldRequired(at.child('expression'), 'expression is not specified'));
    else if (fault !== undefined) faults.push(fieldInvalid(at.child('expression'), expression, fault));
    return faults;
  });
}

function validationFaults(validation: Validation, at: FieldPath, environment: Environment, messages: Environment): FieldError[] {
  const faults: FieldError[] = [];
  const { expression, message = '', messageExpression = '', reason } = validation;
  if (expression.trim() === '') faults.push(fieldRequired(at.child('expression'), 'expression is not specified'));
  else faults.push(...compileFaults(at.child('expression'), expression, environment, 'bool'));
  if (messageExpression !== '' && messageExpression.trim() === '') {
    faults.push(fieldInvalid(at.child('messageExpression'), messageExpression, 'must be non-empty if specified'));
  } else if (messageExpression !== '') faults.push(...compileFaults(at.child('messageExpression'), messageExpression, messages, 'string'));
  if (message !== '' && message.trim() === '')
    faults.push(fieldInvalid(at.child('message'), message, 'message must be non-empty if specified'));
  else if (lineBreak.test(message.trim())) faults.push(fieldInvalid(at.child('message'), message, 'message must not contain line breaks'));
  if (reason !== undefined && !reasons.includes(reason)) faults.push(fieldNotSupported(at.child('reason'), reason, reasons));
  return faults;
}

function annotationFaults(name: string, annotations: readonly AuditAnnotation[], path: FieldPath, environment: Environment): FieldError[] {
  const faults: FieldError[] = [];
  if (annotations.length > maxAnnotations) {
    faults.push(fieldInvalid(path, annotations, `must not have more than ${maxAnnotations.toString()} auditAnnotations`));
  }
  const seen = new Set<string>();
  annotations.forEach(({ key, valueExpression }, position) => {
    const at = path.index(position);
    const whole = `${name}/${key}`;
    if (name === '') faults.push(fieldInvalid(at.child('key'), key, 'requires metadata.name be non-empty'));
    else for (const fault of qualifiedNameFaults(whole)) faults.push(fieldInvalid(at.child('key'), whole, fault));
    const text = valueExpression.trim();
    const where = at.child('valueExpression');
    if (text === '') faults.push(fieldRequired(where, 'valueExpression is not specified'));
    else if (byteLength(text) > maxAnnotationExpression) {
      faults.push(fieldRequired(where, `must not exceed ${maxAnnotationExpression.toString()} bytes in length`));
    } else faults.push(...compileFaults(where, text, environment, 'string', 'null'));
    if (seen.has(key)) faults.push(fieldDuplicate(at.child('key'), key));
    seen.add(key);
  });
  return faults;
}

/** Every fault of a ValidatingAdmissionPolicy's spec. */
export function validatingPolicyFaults(object: KubeObject): FieldError[] {
  const { spec = {} } = object as KubeObject & { spec?: ValidatingAdmissionPolicySpec };
  const path = FieldPath.of('spec');
  const params = spec.paramKind !== undefined;
  const base = policyEnvironment({ params, authorizer: true, patches: false });
  const sources = (spec.variables ?? []).map(({ name = '', expression = '' }) => ({ name, expression }));
  const { environment } = composeVariables(sources, base);
  const messages = policyEnvironment({ params, authorizer: false, patches: false }).extend({
    variables: { variables: environment.variable('variables') ?? { kind: 'dyn' } },
  });
  const faults = [...commonFaults(spec, path), ...variableFaults(spec, path, base)];
  const validations = spec.validations ?? [];
  const annotations = spec.auditAnnotations ?? [];
  if (validations.length === 0 && annotations.length === 0) {
    const why = 'validations or auditAnnotations must contain at least one item';
    return [...faults, fieldRequired(path.child('validations'), why), fieldRequired(path.child('auditAnnotations'), why)];
  }
  validations.forEach((validation, position) => {
    faults.push(...validationFaults(validation, path.child('validations').index(position), environment, messages));
  });
  faults.push(...annotationFaults(object.metadata.name ?? '', annotations, path.child('auditAnnotations'), environment));
  return faults;
}

function mutationFaults(mutation: Mutation, at: FieldPath, environment: Environment): FieldError[] {
  const faults = memberFaults(mutation.patchType, ['ApplyConfiguration', 'JSONPatch'], at.child('patchType'));
  if (faults.length > 0) return faults;
  const apply = mutation.patchType === 'ApplyConfiguration';
  const [wanted, other] = apply ? (['applyConfiguration', 'jsonPatch'] as const) : (['jsonPatch', 'applyConfiguration'] as const);
  if (mutation[other] !== undefined)
    faults.push(fieldForbidden(at.child(other), `must not be specified when patchType is ${mutation.patchType}`));
  const given = mutation[wanted];
  if (given === undefined) return [...faults, fieldRequired(at.child(wanted), `must be specified when patchType is ${mutation.patchType}`)];
  const where = at.child(wanted, 'expression');
  const expression = given.expression ?? '';
  if (expression.trim() === '') return [...faults, fieldRequired(where, 'expression is not specified')];
  return [...faults, ...compileFaults(where, expression, environment, apply ? 'Object' : 'list(JSONPatch)')];
}

/** Every fault of a MutatingAdmissionPolicy's spec. */
export function mutatingPolicyFaults(object: KubeObject): FieldError[] {
  const { spec = {} } = object as KubeObject & { spec?: MutatingAdmissionPolicySpec };
  const path = FieldPath.of('spec');
  const base = policyEnvironment({ params: spec.paramKind !== undefined, authorizer: true, patches: true });
  const sources = (spec.variables ?? []).map(({ name = '', expression = '' }) => ({ name, expression }));
  const { environment } = composeVariables(sources, base);
  const faults = [...commonFaults(spec, path), ...variableFaults(spec, path, base)];
  (spec.matchConstraints?.resourceRules ?? []).forEach((rule, position) => {
    (rule.operations ?? []).forEach((operation, at) => {
      if (operation !== 'DELETE') return;
      const where = path.child('matchConstraints', 'resourceRules').index(position).child('operations').index(at);
      faults.push(fieldNotSupported(where, operation, ['*', 'CONNECT', 'CREATE', 'UPDATE']));
    });
  });
  const mutations = spec.mutations ?? [];
  if (mutations.length === 0) faults.push(fieldRequired(path.child('mutations'), 'mutations must contain at least one item'));
  mutations.forEach((mutation, position) => {
    faults.push(...mutationFaults(mutation, path.child('mutations').index(position), environment));
  });
  faults.push(...memberFaults(spec.reinvocationPolicy, ['IfNeeded', 'Never'], path.child('reinvocationPolicy')));
  return faults;
}
