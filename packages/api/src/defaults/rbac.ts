import type { ClusterRoleBinding, RbacV1Subject, RoleBinding } from '../generated/types.ts';

const rbacGroup = 'rbac.authorization.k8s.io';

function defaultSubject(subject: RbacV1Subject): void {
  if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbacGroup;
}

export function defaultRoleBinding(binding: RoleBinding | ClusterRoleBinding): void {
  binding.roleRef.apiGroup ||= rbacGroup;
  for (const subject of binding.subjects ?? []) defaultSubject(subject);
}
