import { dns1123SubdomainFaults, fieldDuplicate, fieldInvalid, fieldNotSupported, fieldRequired, formatDuration } from '@bayplan/api';
import path from 'node:path';
import { readConfig } from '../config/config-node.ts';
import type { ConfigNode } from '../config/config-node.ts';
import type { CompiledExpression, ExpressionCompiler } from '../config/expressions.ts';

export const authorizationModes = ['AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook'] as const;
export type AuthorizationMode = (typeof authorizationModes)[number];

export type AuthorizerConfiguration =
  | { readonly type: Exclude<AuthorizationMode, 'Webhook'>; readonly name: string }
  | { readonly type: 'Webhook'; readonly name: string; readonly webhook: WebhookConfiguration };

export interface WebhookConfiguration {
  readonly kubeconfigFile: string;
  readonly timeoutMs: number;
  readonly version: 'v1' | 'v1beta1';
  readonly authorizedTtlMs: number;
  readonly unauthorizedTtlMs: number;
  readonly failurePolicy: 'NoOpinion' | 'Deny';
  /** All must hold for the webhook to be asked. */
  readonly matchConditions: readonly { readonly text: string; readonly compiled: CompiledExpression }[];
}

const wanted = {
  kind: 'AuthorizationConfiguration',
  apiVersions: ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1', 'apiserver.config.k8s.io/v1alpha1'],
} as const;
const maxConditions = 64;
const maxTimeoutMs = 30_000;

/** Reads and checks the file of `--authorization-config`. Throws `ConfigError` with every fault. */
export function readAuthorizationConfiguration(
  text: string,
  name: string,
  compiler: ExpressionCompiler,
): readonly AuthorizerConfiguration[] {
  return readConfig(text, name, wanted, (root) => {
    root.fields('apiVersion', 'kind', 'authorizers');
    const nodes = root.list('authorizers');
    if (nodes.length === 0) root.fault(fieldRequired('authorizers', 'at least one authorization mode must be defined'));
    const types = new Set<string>();
    const names = new Set<string>();
    return nodes.flatMap((node): AuthorizerConfiguration[] => {
      node.fields('type', 'name', 'webhook');
      const type = node.requiredString('type');
      if (type === '') return [];
      if (!isMode(type)) {
        node.fault(fieldNotSupported(node.child('type').where, type, authorizationModes));
        return [];
      }
      if (types.has(type) && type !== 'Webhook') node.fault(fieldDuplicate(node.child('type').where, type));
      types.add(type);
      const ownName = readName(node, names);
      const webhook = node.child('webhook');
      if (type === 'Webhook') {
        if (!webhook.present) {
          node.fault(fieldRequired(webhook.where, 'required when type=Webhook'));
          return [];
        }
        return [{ type, name: ownName, webhook: readWebhook(webhook, compiler) }];
      }
      if (webhook.present) node.fault(fieldInvalid(webhook.where, 'non-null', 'may only be specified when type=Webhook'));
      return [{ type, name: ownName }];
    });
  });
}

function isMode(type: string): type is AuthorizationMode {
  return (authorizationModes as readonly string[]).includes(type);
}

function readName(node: ConfigNode, seen: Set<string>): string {
  const name = node.requiredString('name');
  const at = node.child('name').where;
  if (name === '') return name;
  const faults = dns1123SubdomainFaults(name);
  if (seen.has(name)) node.fault(fieldDuplicate(at, name));
  else if (faults.length > 0) node.fault(fieldInvalid(at, name, `authorizer name is invalid: ${faults.join(', ')}`));
  seen.add(name);
  return name;
}

function readWebhook(node: ConfigNode, compiler: ExpressionCompiler): WebhookConfiguration {
  node.fields(
    'timeout',
    'authorizedTTL',
    'unauthorizedTTL',
    'cacheAuthorizedRequests',
    'cacheUnauthorizedRequests',
    'subjectAccessReviewVersion',
    'matchConditionSubjectAccessReviewVersion',
    'failurePolicy',
    'connectionInfo',
    'matchConditions',
  );
  const timeoutMs = node.durationMs('timeout', 0);
  if (timeoutMs === 0) node.fault(fieldRequired(node.child('timeout').where));
  else if (timeoutMs < 0 || timeoutMs > maxTimeoutMs)
    node.fault(fieldInvalid(node.child('timeout').where, formatDuration(timeoutMs), 'must be > 0s and <= 30s'));
  const version = choice(node, 'subjectAccessReviewVersion', ['v1', 'v1beta1'] as const);
  const matchConditions = readConditions(node, compiler);
  const matchVersion = node.string('matchConditionSubjectAccessReviewVersion');
  const matchVersionAt = node.child('matchConditionSubjectAccessReviewVersion').where;
  if (matchVersion === '' && matchConditions.length > 0)
    node.fault(fieldRequired(matchVersionAt, 'required if match conditions are specified'));
  if (matchVersion !== '' && matchVersion !== 'v1') node.fault(fieldNotSupported(matchVersionAt, matchVersion, ['v1']));
  return {
    kubeconfigFile: readConnection(node.child('connectionInfo')),
    timeoutMs,
    version,
    authorizedTtlMs: readTtl(node, 'authorizedTTL', 'cacheAuthorizedRequests', 5 * 60_000),
    unauthorizedTtlMs: readTtl(node, 'unauthorizedTTL', 'cacheUnauthorizedRequests', 30_000),
    failurePolicy: choice(node, 'failurePolicy', ['NoOpinion', 'Deny'] as const),
    matchConditions,
  };
}

/** 0 when answers are not to be kept. */
function readTtl(node: ConfigNode, name: string, caches: string, absentMs: number): number {
  const ttlMs = node.durationMs(name, absentMs);
  if (ttlMs < 0) node.fault(fieldInvalid(node.child(name).where, formatDuration(ttlMs), 'must be > 0s'));
  return node.boolean(caches, true) ? ttlMs : 0;
}

function choice<T extends string>(node: ConfigNode, name: string, allowed: readonly T[]): T {
  const value = node.requiredString(name);
  const found = allowed.find((one) => one === value);
  if (value !== '' && found === undefined) node.fault(fieldNotSupported(node.child(name).where, value, allowed));
  return found ?? (allowed[0] as T);
}

function readConnection(node: ConfigNode): string {
  node.fields('type', 'kubeConfigFile');
  const type = node.requiredString('type');
  if (type === 'InClusterConfig')
    node.fault(fieldInvalid(node.child('type').where, type, 'is not supported: name a kubeconfig with type KubeConfigFile'));
  else if (type !== '' && type !== 'KubeConfigFile')
    node.fault(fieldNotSupported(node.child('type').where, type, ['InClusterConfig', 'KubeConfigFile']));
  const file = node.requiredString('kubeConfigFile');
  if (file !== '' && !path.isAbsolute(file)) node.fault(fieldInvalid(node.child('kubeConfigFile').where, file, 'must be an absolute path'));
  return file;
}

function readConditions(node: ConfigNode, compiler: ExpressionCompiler): WebhookConfiguration['matchConditions'] {
  const nodes = node.list('matchConditions');
  if (nodes.length > maxConditions)
    node.fault(fieldInvalid(node.child('matchConditions').where, nodes.length, `must have at most ${maxConditions.toString()} items`));
  const seen = new Set<string>();
  return nodes.flatMap((condition) => {
    condition.fields('expression');
    const text = condition.requiredString('expression');
    const at = condition.child('expression').where;
    if (text === '') return [];
    if (seen.has(text)) condition.fault(fieldDuplicate(at, text));
    seen.add(text);
    try {
      return [{ text, compiled: compiler.compile(text, 'request', 'bool') }];
    } catch (error) {
      condition.fault(fieldInvalid(at, text, (error as Error).message));
      return [];
    }
  });
}
