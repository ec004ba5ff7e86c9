import type {
  APIService,
  CustomResourceDefinition,
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from '../generated/types.ts';

const httpsPort = 443;

function defaultWebhooks(webhooks: MutatingWebhookConfiguration['webhooks'] | ValidatingWebhookConfiguration['webhooks']): void {
  for (const webhook of webhooks ?? []) {
    webhook.failurePolicy ??= 'Fail';
    webhook.matchPolicy ??= 'Equivalent';
    webhook.namespaceSelector ??= {};
    webhook.objectSelector ??= {};
    webhook.timeoutSeconds ??= 10;
    if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= httpsPort;
    for (const rule of webhook.rules ?? []) rule.scope ??= '*';
  }
}

export function defaultValidatingWebhooks(configuration: ValidatingWebhookConfiguration): void {
  defaultWebhooks(configuration.webhooks);
}

export function defaultMutatingWebhooks(configuration: MutatingWebhookConfiguration): void {
  defaultWebhooks(configuration.webhooks);
  for (const webhook of configuration.webhooks ?? []) webhook.reinvocationPolicy ??= 'Never';
}

function defaultMatchResources(match: MatchResources | undefined): void {
  if (!match) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*';
}

export function defaultAdmissionPolicy({ spec }: ValidatingAdmissionPolicy | MutatingAdmissionPolicy): void {
  if (!spec) return;
  spec.failurePolicy ??= 'Fail';
  defaultMatchResources(spec.matchConstraints);
}

export function defaultAdmissionPolicyBinding({ spec }: ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding): void {
  defaultMatchResources(spec?.matchResources);
}

export function defaultCustomResourceDefinition({ spec }: CustomResourceDefinition): void {
  const names = spec.names;
  if (names) {
    names.singular ||= names.kind?.toLowerCase();
    if (names.kind) names.listKind ||= `${names.kind}List`;
  }
  spec.conversion ??= { strategy: 'None' };
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service) service.port ??= httpsPort;
}

export function defaultApiService({ spec }: APIService): void {
  if (spec?.service) spec.service.port ??= httpsPort;
}
