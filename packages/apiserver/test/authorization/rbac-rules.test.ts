import { describe, expect, it } from 'vitest';
import type { Access } from '../../src/authorization/authorizer.ts';
import { ruleAllows, rulesCover } from '../../src/authorization/rbac-rules.ts';

const access = (verb: string, group: string, resource: string, more: { subresource?: string; name?: string } = {}): Access => ({
  kind: 'resource',
  verb,
  group,
  version: 'v1',
  resource,
  subresource: more.subresource ?? '',
  namespace: 'd',
  name: more.name ?? '',
});

describe('ruleAllows', () => {
  const pods = { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/log', '*/scale'] };
  it('compares verb, group and resource', () => {
    expect(ruleAllows(pods, access('get', '', 'pods'))).toBe(true);
    expect(ruleAllows(pods, access('delete', '', 'pods'))).toBe(false);
    expect(ruleAllows(pods, access('get', 'apps', 'pods'))).toBe(false);
    expect(ruleAllows(pods, access('get', '', 'secrets'))).toBe(false);
  });

  it('does not give subresources with the resource', () => {
    expect(ruleAllows(pods, access('get', '', 'pods', { subresource: 'log' }))).toBe(true);
    expect(ruleAllows(pods, access('get', '', 'pods', { subresource: 'exec' }))).toBe(false);
    expect(ruleAllows(pods, access('get', '', 'replicationcontrollers', { subresource: 'scale' }))).toBe(true);
  });

  it('narrows to names', () => {
    const one = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: ['a'] };
    expect(ruleAllows(one, access('get', '', 'pods', { name: 'a' }))).toBe(true);
    expect(ruleAllows(one, access('get', '', 'pods', { name: 'b' }))).toBe(false);
    expect(ruleAllows(one, access('list', '', 'pods'))).toBe(false);
  });

  it('matches paths by prefix', () => {
    const rule = { verbs: ['get'], nonResourceURLs: ['/healthz/*', '/version'] };
    expect(ruleAllows(rule, { kind: 'path', verb: 'get', path: '/healthz/ping' })).toBe(true);
    expect(ruleAllows(rule, { kind: 'path', verb: 'get', path: '/version' })).toBe(true);
    expect(ruleAllows(rule, { kind: 'path', verb: 'get', path: '/versions' })).toBe(false);
  });
});

describe('rulesCover', () => {
  const owner = [
    { verbs: ['get', 'list'], apiGroups: ['', 'apps'], resources: ['pods', 'deployments'] },
    { verbs: ['delete'], apiGroups: [''], resources: ['pods'] },
  ];
  it('puts rules together', () => {
    expect(rulesCover(owner, [{ verbs: ['get', 'delete'], apiGroups: [''], resources: ['pods'] }])).toBe(true);
    expect(rulesCover(owner, [{ verbs: ['delete'], apiGroups: ['apps'], resources: ['deployments'] }])).toBe(false);
    expect(rulesCover(owner, [{ verbs: ['*'], apiGroups: [''], resources: ['pods'] }])).toBe(false);
  });
});
