import { isForbidden, resources } from '@bayplan/api';
import type { PolicyRule } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { openEmbeddedStore } from '@bayplan/store';
import { systemClock } from '@bayplan/component-base';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';

it('are brought up to date at the start, unless told to leave them', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'bayplan-roles-'));
  const store = await openEmbeddedStore({ directory, clock: systemClock });
  const first = await startTestApiServer({ listen: false, store });
  const admin = createClient(first.admin);
  const view = await admin.get(resources.clusterRoles, { name: 'system:discovery' });
  const [rule] = view.rules ?? [];
  await admin.update(resources.clusterRoles, { ...view, rules: [{ verbs: ['get'], nonResourceURLs: ['/mine'] }] });
  const node = await admin.get(resources.clusterRoles, { name: 'system:node-proxier' });
  await admin.update(resources.clusterRoles, {
    ...node,
    metadata: { ...node.metadata, annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } },
    rules: [],
  });
  const binding = await admin.get(resources.clusterRoleBindings, { name: 'system:basic-user' });
  await admin.update(resources.clusterRoleBindings, {
    ...binding,
    subjects: [{ kind: 'User', name: 'x', apiGroup: 'rbac.authorization.k8s.io' }],
  });
  await first.close();
  const second = await startTestApiServer({ listen: false, store });
  const again = createClient(second.admin);
  const urls = (rules: readonly PolicyRule[] | undefined) => (rules ?? []).flatMap(({ nonResourceURLs }) => nonResourceURLs ?? []).sort();
  expect(urls((await again.get(resources.clusterRoles, { name: 'system:discovery' })).rules)).toEqual(
    ['/mine', ...(rule?.nonResourceURLs ?? [])].sort(),
  );
  expect((await again.get(resources.clusterRoles, { name: 'system:node-proxier' })).rules ?? []).toEqual([]);
  expect((await again.get(resources.clusterRoleBindings, { name: 'system:basic-user' })).subjects?.map(({ name }) => name)).toEqual([
    'x',
    'system:authenticated',
  ]);
  const names = (await again.list(resources.clusterRoles)).items.map(({ metadata }) => metadata.name ?? '');
  expect(names.filter((name) => name.startsWith('system:controller:'))).toHaveLength(38);
  await second.close();
  await store.close();
  await rm(directory, { recursive: true });
});

it('name what somebody may not grant, and roles that do not exist', async () => {
  const api = await startTestApiServer({ listen: false });
  const admin = createClient(api.admin);
  const apiGroup = 'rbac.authorization.k8s.io';
  const bind = (name: string, role: string) =>
    admin.create(resources.roleBindings, {
      metadata: { name, namespace: 'default' },
      roleRef: { apiGroup, kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'User', name: 'bob', apiGroup }],
    });
  await bind('admin', 'admin');
  const bob = createClient(api.as({ name: 'bob', groups: ['team'] }));
  const failure = async (work: Promise<unknown>): Promise<Error> =>
    work.then(
      () => expect.fail(),
      (error: unknown) => error as Error,
    );
  const rules = [
    { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
    { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list'] },
    { apiGroups: ['x.io'], resources: ['y'], resourceNames: ['z'], verbs: ['*'] },
  ];
  const refused = await failure(bob.create(resources.roles, { metadata: { name: 'r', namespace: 'default' }, rules }));
  expect(refused.message).toContain(
    'roles.rbac.authorization.k8s.io "r" is forbidden: user "bob" (groups=["team" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
      '{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list"]}\n{APIGroups:["x.io"], Resources:["y"], ResourceNames:["z"], Verbs:["*"]}',
  );
  await bind('gone', 'gone');
  const denied = await failure(bob.list(resources.nodes));
  expect(isForbidden(denied)).toBe(true);
  expect(denied.message).toBe('nodes is forbidden: User "bob" cannot list resource "nodes" in API group "" at the cluster scope');
  expect((await failure(bob.list(resources.priorityClasses))).message).not.toContain('RBAC:');
  expect((await failure(bob.delete(resources.limitRanges, { namespace: 'default', name: 'x' }))).message).toContain(
    'in the namespace "default": RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
  );
  await api.close();
});
