import { describe, expect, it } from 'vitest';
import { readAuthorizationConfiguration } from '../../src/authorization/authorization-configuration.ts';
import type { ExpressionCompiler } from '../../src/config/expressions.ts';

const compiler: ExpressionCompiler = {
  compile(expression) {
    if (expression === 'bad') throw new Error('undeclared reference');
    return { evaluate: () => expression === 'true' };
  },
};
const read = (authorizers: unknown) =>
  readAuthorizationConfiguration(
    JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration', authorizers }),
    'file',
    compiler,
  );
const webhook = {
  timeout: '3s',
  subjectAccessReviewVersion: 'v1',
  matchConditionSubjectAccessReviewVersion: 'v1',
  failurePolicy: 'Deny',
  connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '/etc/hook' },
  matchConditions: [{ expression: 'true' }],
};
const one = (change: object) => [{ type: 'Webhook', name: 'hook', webhook: { ...webhook, ...change } }];

describe('AuthorizationConfiguration', () => {
  it('is read whole', () => {
    expect(read([{ type: 'Node', name: 'node' }, ...one({ authorizedTTL: '1m', cacheUnauthorizedRequests: false })])).toMatchObject([
      { type: 'Node', name: 'node' },
      {
        type: 'Webhook',
        webhook: { kubeconfigFile: '/etc/hook', timeoutMs: 3000, authorizedTtlMs: 60_000, unauthorizedTtlMs: 0, failurePolicy: 'Deny' },
      },
    ]);
  });

  it.each([
    ['nobody', [], 'authorizers: Required value: at least one authorization mode must be defined'],
    ['an unknown type', [{ type: 'ABAC', name: 'x' }], 'authorizers[0].type: Unsupported value: "ABAC": supported values: "AlwaysAllow"'],
    [
      'a type twice',
      [
        { type: 'RBAC', name: 'a' },
        { type: 'RBAC', name: 'b' },
      ],
      'authorizers[1].type: Duplicate value: "RBAC"',
    ],
    [
      'a name twice',
      [
        { type: 'RBAC', name: 'a' },
        { type: 'Node', name: 'a' },
      ],
      'authorizers[1].name: Duplicate value: "a"',
    ],
    ['a bad name', [{ type: 'RBAC', name: 'A_' }], 'authorizer name is invalid'],
    ['a webhook that is none', [{ type: 'Webhook', name: 'a' }], 'authorizers[0].webhook: Required value: required when type=Webhook'],
    ['a webhook of another type', [{ type: 'RBAC', name: 'a', webhook }], 'may only be specified when type=Webhook'],
    ['a long timeout', one({ timeout: '31s' }), 'authorizers[0].webhook.timeout: Invalid value: "31s": must be > 0s and <= 30s'],
    ['no failure policy', one({ failurePolicy: undefined }), 'authorizers[0].webhook.failurePolicy: Required value'],
    ['a relative path', one({ connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: 'x' } }), 'must be an absolute path'],
    [
      'a condition that does not compile',
      one({ matchConditions: [{ expression: 'bad' }] }),
      'matchConditions[0].expression: Invalid value: "bad"',
    ],
    [
      'conditions without their version',
      one({ matchConditionSubjectAccessReviewVersion: undefined }),
      'required if match conditions are specified',
    ],
  ])('refuses %s', (_what, authorizers, message) => {
    expect(() => read(authorizers)).toThrow(message);
  });
});
