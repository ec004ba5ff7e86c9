import { fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RbacV1Subject, Role, RoleBinding } from '../../generated/types.ts';
import { dns1123SubdomainFaults, pathSegmentFaults } from '../../names.ts';
import { sameJson } from '../../patch/json-value.ts';
import type { Faults } from '../faults.ts';
import { checkRequired, checkSyntax } from '../faults.ts';
import { validateLabelSelector } from '../object-meta.ts';

const rbacGroup = 'rbac.authorization.k8s.io';

/** Whether a required list is empty; one that was not sent is null in a decoded object. */
function isEmpty(list: readonly unknown[] | null | undefined): boolean {
  return (list ?? []).length === 0;
}

function validateRules(rules: readonly PolicyRule[] | undefined, namespaced: boolean, faults: Faults): void {
  for (const [at, rule] of (rules ?? []).entries()) {
    const here = FieldPath.of('rules').index(at);
    const { verbs, nonResourceURLs = [], apiGroups = [], resources = [] } = rule;
    if (isEmpty(verbs)) faults.push(fieldRequired(here.child('verbs'), 'verbs must contain at least one value'));
    if (nonResourceURLs.length > 0) {
      const urls = here.child('nonResourceURLs');
      if (namespaced) faults.push(fieldInvalid(urls, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'));
      if (apiGroups.length > 0 || resources.length > 0 || (rule.resourceNames ?? []).length > 0) {
        faults.push(fieldInvalid(urls, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'));
      }
      continue;
    }
    if (apiGroups.length === 0) faults.push(fieldRequired(here.child('apiGroups'), 'resource rules must supply at least one api group'));
    if (resources.length === 0) faults.push(fieldRequired(here.child('resources'), 'resource rules must supply at least one resource'));
  }
}

export function validateRole(role: Role, faults: Faults): void {
  validateRules(role.rules, true, faults);
}

export function validateClusterRole(role: ClusterRole, faults: Faults): void {
  validateRules(role.rules, false, faults);
  const selectors = role.aggregationRule?.clusterRoleSelectors;
  const path = FieldPath.of('aggregationRule', 'clusterRoleSelectors');
  if (role.aggregationRule !== undefined && (selectors ?? []).length === 0) {
    faults.push(fieldRequired(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil'));
  }
  for (const [at, selector] of (selectors ?? []).entries()) validateLabelSelector(selector, path.index(at), faults);
}

function validateSubject(subject: RbacV1Subject, namespaced: boolean, path: FieldPath, faults: Faults): void {
  if (!subject.name) faults.push(fieldRequired(path.child('name')));
  switch (subject.kind) {
    case 'ServiceAccount':
      if (subject.name) checkSyntax(subject.name, dns1123SubdomainFaults, path.child('name'), faults);
      if (subject.apiGroup) faults.push(fieldNotSupported(path.child('apiGroup'), subject.apiGroup, ['']));
      if (!subject.namespace && !namespaced) faults.push(fieldRequired(path.child('namespace')));
      return;
    case 'User':
    case 'Group':
      if ((subject.apiGroup ?? rbacGroup) !== rbacGroup)
        faults.push(fieldNotSupported(path.child('apiGroup'), subject.apiGroup, [rbacGroup]));
      return;
    default:
      faults.push(fieldNotSupported(path.child('kind'), subject.kind, ['ServiceAccount', 'User', 'Group']));
  }
}

function validateBinding(binding: RoleBinding | ClusterRoleBinding, namespaced: boolean, faults: Faults): void {
  const ref = binding.roleRef;
  const path = FieldPath.of('roleRef');
  if ((ref.apiGroup || rbacGroup) !== rbacGroup) faults.push(fieldNotSupported(path.child('apiGroup'), ref.apiGroup, [rbacGroup]));
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (!kinds.includes(ref.kind)) faults.push(fieldNotSupported(path.child('kind'), ref.kind, kinds));
  checkRequired(ref.name, pathSegmentFaults, path.child('name'), faults);
  for (const [at, subject] of (binding.subjects ?? []).entries())
    validateSubject(subject, namespaced, FieldPath.of('subjects').index(at), faults);
}

export function validateRoleBinding(binding: RoleBinding, faults: Faults): void {
  validateBinding(binding, true, faults);
}

export function validateClusterRoleBinding(binding: ClusterRoleBinding, faults: Faults): void {
  validateBinding(binding, false, faults);
}

export function validateBindingUpdate(next: RoleBinding | ClusterRoleBinding, old: RoleBinding | ClusterRoleBinding, faults: Faults): void {
  if (!sameJson(next.roleRef, old.roleRef)) faults.push(fieldInvalid(FieldPath.of('roleRef'), next.roleRef, 'cannot change roleRef'));
}
