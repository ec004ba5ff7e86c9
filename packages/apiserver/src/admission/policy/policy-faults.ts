import type { FieldError, KubeObject, MatchResources, NamedRuleWithOperations, ParamKind, ParamRef } from '@bayplan/api';
import {
  dns1035LabelFaults,
  dns1123SubdomainFaults,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  FieldPath,
  fieldRequired,
  pathSegmentFaults,
  validateLabelSelector,
} from '@bayplan/api';

const operationNames = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];

/** A field that must be one of a set. */
export function memberFaults(value: string | undefined, allowed: readonly string[], path: FieldPath): FieldError[] {
  if (value === undefined || value === '') return [fieldRequired(path)];
  return allowed.includes(value) ? [] : [fieldNotSupported(path, value, allowed)];
}

export function paramKindFaults(kind: ParamKind | undefined, path: FieldPath): FieldError[] {
  if (kind === undefined) return [];
  const faults: FieldError[] = [];
  const { apiVersion = '', kind: name = '' } = kind;
  const parts = apiVersion.split('/');
  const at = path.child('apiVersion');
  if (apiVersion === '') faults.push(fieldRequired(at));
  else if (parts.length > 2) faults.push(fieldInvalid(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  else {
    const group = parts.length === 2 ? (parts[0] ?? '') : '';
    const version = parts.at(-1) ?? '';
    const groupFaults = group === '' ? [] : dns1123SubdomainFaults(group);
    if (groupFaults.length > 0) faults.push(fieldInvalid(at, group, groupFaults.join(',')));
    if (version === '') faults.push(fieldInvalid(at, apiVersion, 'version must be specified'));
    else if (dns1035LabelFaults(version).length > 0) faults.push(fieldInvalid(at, version, dns1035LabelFaults(version).join(',')));
  }
  const kindFaults = dns1035LabelFaults(name.toLowerCase());
  if (name === '') faults.push(fieldRequired(path.child('kind')));
  else if (kindFaults.length > 0) {
    faults.push(fieldInvalid(path.child('kind'), name, `may have mixed case, but should otherwise match: ${kindFaults.join(',')}`));
  }
  return faults;
}

export function matchResourcesFaults(match: MatchResources | undefined, path: FieldPath): FieldError[] {
  if (match === undefined) return [];
  const faults = memberFaults(match.matchPolicy, ['Equivalent', 'Exact'], path.child('matchPolicy'));
  for (const field of ['namespaceSelector', 'objectSelector'] as const) {
    if (match[field] === undefined) faults.push(fieldRequired(path.child(field)));
    else validateLabelSelector(match[field], path.child(field), faults);
  }
  for (const field of ['resourceRules', 'excludeResourceRules'] as const) {
    (match[field] ?? []).forEach((rule, position) => {
      faults.push(...ruleFaults(rule, path.child(field).index(position)));
    });
  }
  return faults;
}

function ruleFaults(rule: NamedRuleWithOperations, path: FieldPath): FieldError[] {
  const faults: FieldError[] = [];
  const seen = new Set<string>();
  (rule.resourceNames ?? []).forEach((name, position) => {
    const at = path.child('resourceNames').index(position);
    for (const fault of pathSegmentFaults(name)) faults.push(fieldInvalid(at, name, fault));
    if (seen.has(name)) faults.push(fieldDuplicate(at, name));
    seen.add(name);
  });
  const { operations = [], apiGroups = [], apiVersions = [], resources = [] } = rule;
  faults.push(...listFaults(operations, path.child('operations'), 'operations'));
  operations.forEach((operation, position) => {
    if (!operationNames.includes(operation))
      faults.push(fieldNotSupported(path.child('operations').index(position), operation, operationNames));
  });
  faults.push(...listFaults(apiGroups, path.child('apiGroups'), 'API groups'));
  faults.push(...listFaults(apiVersions, path.child('apiVersions'), 'API versions'));
  apiVersions.forEach((version, position) => {
    if (version === '') faults.push(fieldRequired(path.child('apiVersions').index(position)));
  });
  faults.push(...resourceFaults(resources, path.child('resources')));
  if (rule.scope !== undefined && !['*', 'Cluster', 'Namespaced'].includes(rule.scope)) {
    faults.push(fieldNotSupported(path.child('scope'), rule.scope, ['*', 'Cluster', 'Namespaced']));
  }
  return faults;
}

function listFaults(list: readonly string[], path: FieldPath, what: string): FieldError[] {
  if (list.length === 0) return [fieldRequired(path)];
  return list.length > 1 && list.includes('*') ? [fieldInvalid(path, list, `if '*' is present, must not specify other ${what}`)] : [];
}

function resourceFaults(resources: readonly string[], path: FieldPath): FieldError[] {
  if (resources.length === 0) return [fieldRequired(path)];
  const faults: FieldError[] = [];
  resources.forEach((resource, position) => {
    const at = path.index(position);
    const [name = '', part] = resource.split('/');
    if (resource === '') faults.push(fieldRequired(at));
    else if (part !== undefined && part !== '*' && resources.slice(0, position).includes(`${name}/*`)) {
      faults.push(fieldInvalid(at, resource, `if '${name}/*' is present, must not specify ${resource}`));
    } else if (part !== undefined && name !== '*' && resources.slice(0, position).includes(`*/${part}`)) {
      faults.push(fieldInvalid(at, resource, `if '*/${part}' is present, must not specify ${resource}`));
    }
  });
  if (resources.length > 1 && resources.includes('*/*')) {
    faults.push(fieldInvalid(path, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (resources.includes('*') && resources.some((resource) => resource !== '*' && !resource.includes('/'))) {
    faults.push(fieldInvalid(path, resources, "if '*' is present, must not specify other resources without subresources"));
  }
  return faults;
}

function paramRefFaults(ref: ParamRef | undefined, path: FieldPath): FieldError[] {
  if (ref === undefined) return [];
  const faults: FieldError[] = [];
  const { name = '', selector } = ref;
  const exclusive = 'name and selector are mutually exclusive';
  if (name !== '') {
    for (const fault of pathSegmentFaults(name)) faults.push(fieldInvalid(path.child('name'), name, fault));
    if (selector !== undefined) faults.push(fieldForbidden(path.child('name'), exclusive));
  }
  if (selector !== undefined) {
    validateLabelSelector(selector, path.child('selector'), faults);
    if (name !== '') faults.push(fieldForbidden(path.child('selector'), exclusive));
  }
  if (name === '' && selector === undefined) faults.push(fieldRequired(path, 'one of name or selector must be specified'));
  faults.push(...memberFaults(ref.parameterNotFoundAction, ['Deny', 'Allow'], path.child('parameterNotFoundAction')));
  return faults;
}

interface BindingSpec {
  readonly policyName?: string;
  readonly paramRef?: ParamRef;
  readonly matchResources?: MatchResources;
  readonly validationActions?: readonly string[];
}

/** Every fault of a binding of either kind; `validating` ones need actions. */
export function bindingFaults(object: KubeObject, validating: boolean): FieldError[] {
  const { spec = {} } = object as KubeObject & { spec?: BindingSpec };
  const path = FieldPath.of('spec');
  const { policyName = '' } = spec;
  const faults =
    policyName === ''
      ? [fieldRequired(path.child('policyName'))]
      : dns1123SubdomainFaults(policyName).map((fault) => fieldInvalid(path.child('policyName'), policyName, fault));
  faults.push(...paramRefFaults(spec.paramRef, path.child('paramRef')));
  // Kubernetes misspells the field here.
  faults.push(...matchResourcesFaults(spec.matchResources, path.child('matchResouces')));
  if (validating) faults.push(...actionFaults(spec.validationActions ?? [], path.child('validationActions')));
  return faults;
}

function actionFaults(actions: readonly string[], path: FieldPath): FieldError[] {
  const faults: FieldError[] = [];
  const allowed = ['Audit', 'Deny', 'Warn'];
  actions.forEach((action, position) => {
    if (!allowed.includes(action)) faults.push(fieldNotSupported(path.index(position), action, allowed));
    if (actions.indexOf(action) < position) faults.push(fieldDuplicate(path.index(position), action));
  });
  if (actions.includes('Deny') && actions.includes('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    faults.push(fieldInvalid(path, actions, why));
  }
  if (actions.length === 0) faults.push(fieldRequired(path, 'at least one validation action is required'));
  return faults;
}
