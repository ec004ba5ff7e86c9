import { describe, expect, it } from 'vitest';
import { decide, readAuditPolicy } from '../../src/audit/audit-policy.ts';
import type { RequestInfo } from '../../src/chain/request-info.ts';
import { parseRequest } from '../../src/chain/request-info.ts';

const read = (rules: unknown, more: object = {}) =>
  readAuditPolicy(JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules, ...more }), 'file');
const request = (method: 'GET' | 'POST', path: string): RequestInfo => parseRequest(method, path, new URLSearchParams());
const user = { name: 'ann', groups: ['dev'], extra: {} };

describe('a policy', () => {
  const policy = read(
    [
      { level: 'None', users: ['system:kube-proxy'] },
      { level: 'None', nonResourceURLs: ['/healthz*', '/version'] },
      { level: 'Metadata', resources: [{ group: '', resources: ['secrets'] }] },
      { level: 'Request', verbs: ['create'], resources: [{ group: '', resources: ['pods/*'] }] },
      { level: 'RequestResponse', namespaces: ['kube-system'] },
      { level: 'Request', resources: [{ group: 'apps', resources: ['*/scale'], resourceNames: ['web'] }], omitManagedFields: false },
      { level: 'Metadata', userGroups: ['dev'], omitStages: ['ResponseStarted'] },
    ],
    { omitStages: ['RequestReceived'], omitManagedFields: true },
  );

  it.each([
    ['GET', '/healthz/ping', 'None'],
    ['GET', '/api', 'Metadata'],
    ['GET', '/api/v1/namespaces/kube-system/secrets/a', 'Metadata'],
    ['POST', '/api/v1/namespaces/default/pods/a/exec', 'Request'],
    ['GET', '/api/v1/namespaces/kube-system/pods', 'RequestResponse'],
    ['GET', '/apis/apps/v1/namespaces/default/deployments/web/scale', 'Request'],
    ['GET', '/apis/apps/v1/namespaces/default/deployments/other/scale', 'Metadata'],
  ] as const)('%s %s is recorded at %s', (method, path, level) => {
    expect(decide(policy, user, request(method, path)).level).toBe(level);
  });

  it('applies what is said for all to each rule', () => {
    expect(decide(policy, user, request('GET', '/api'))).toMatchObject({
      omitStages: ['RequestReceived', 'ResponseStarted'],
      omitManagedFields: true,
    });
    expect(decide(policy, user, request('GET', '/apis/apps/v1/namespaces/default/deployments/web/scale')).omitManagedFields).toBe(false);
    expect(decide(policy, { ...user, groups: [] }, request('GET', '/api')).level).toBe('None');
  });

  it.each([
    [[{ level: 'All' }], 'rules[0].level: Unsupported value: "All": supported values: "None", "Metadata", "Request", "RequestResponse"'],
    [[{}], 'rules[0].level: Required value'],
    [
      [{ level: 'None', nonResourceURLs: ['x'] }],
      'rules[0].nonResourceURLs[0]: Invalid value: "x": non-resource URL rules must begin with a \'/\' character',
    ],
    [[{ level: 'None', nonResourceURLs: ['/a*b'] }], "non-resource URL wildcards '*' must be the final character of the rule"],
    [[{ level: 'None', nonResourceURLs: ['/a'], namespaces: ['b'] }], 'rules cannot apply to both regular resources and non-resource URLs'],
    [[{ level: 'None', resources: [{ group: 'A_' }] }], 'rules[0].resources[0].group: Invalid value: "A_"'],
    [[{ level: 'None', resources: [{ resourceNames: ['x'] }] }], 'using resourceNames requires at least one resource'],
    [
      [{ level: 'None', omitStages: ['x'] }],
      'rules[0].omitStages[0]: Invalid value: "x": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic',
    ],
  ])('is refused: %j', (rules, message) => {
    expect(() => read(rules)).toThrow(message);
  });
});
