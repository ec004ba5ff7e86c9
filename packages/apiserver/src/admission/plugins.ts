import type { Random } from '@bayplan/component-base';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { RbacAuthorizer } from '../authorization/rbac.ts';
import type { Registry } from '../registry/registry.ts';
import { ConfigError } from '../config/config-node.ts';
import type { AdmissionMetrics } from './admission-metrics.ts';
import { Admission } from './admission.ts';
import type { AdmissionPlugin } from './admission.ts';
import { defaultIngressClass } from './default-ingress-class.ts';
import { podTopologyLabels, taintNodesByCondition } from './node-defaults.ts';
import { priorityAdmission } from './priority.ts';
import { runtimeClassAdmission } from './runtime-class.ts';
import { claimResize, defaultStorageClass, storageProtection } from './storage-defaults.ts';
import { certificateSubjectRestriction } from './certificate-subject.ts';
import { mutatingPolicies } from './policy/mutating-policies.ts';
import type { PolicyMetrics } from './policy/policy-metrics.ts';
import { validatingPolicies } from './policy/validating-policies.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { podSecurity } from './pod-security/pod-security.ts';
import type { PodSecurityOptions } from './pod-security/pod-security.ts';
import { defaultTolerationSeconds } from './pod-defaults.ts';
import { rbacEscalation } from './rbac-escalation.ts';
import { resourceQuotaAdmission } from './quota/resource-quota.ts';
import type { CallerOptions } from './webhook/hook-caller.ts';
import { HookConditions } from './webhook/match-conditions.ts';
import { mutatingWebhooks } from './webhook/mutating-webhooks.ts';
import { validatingWebhooks } from './webhook/validating-webhooks.ts';
import { serviceAccountAdmission } from './service-account.ts';

/** What an administrator can set. */
export interface AdmissionOptions {
  /** Names of plug-ins that must run. All there are run by default, so this only says that they exist. */
  readonly enabledPlugins?: readonly string[] | undefined;
  /** Names of plug-ins that are on by default and shall not be. */
  readonly disabledPlugins?: readonly string[] | undefined;
  /** An AdmissionConfiguration; what it says of a plug-in replaces what is said here. */
  readonly configFile?: string | undefined;
  readonly podSecurity?: PodSecurityOptions;
}

/** Part of what RBAC is: nobody can choose to do without it. */
const fixedPlugin = 'RBACEscalation';

/** The default plug-ins, in the order in which they run. */
export function createAdmission(
  registry: Registry,
  random: Random,
  rbac: RbacAuthorizer,
  authorizer: () => Authorizer,
  webhooks: CallerOptions,
  settings: AdmissionOptions,
  metrics: AdmissionMetrics,
  policies: PolicyMetrics,
): Admission {
  const conditions = new HookConditions(authorizer);
  const all: readonly AdmissionPlugin[] = [
    namespaceLifecycle(registry),
    limitRanger(registry),
    serviceAccountAdmission(registry, random),
    nodeRestriction(registry),
    rbacEscalation(rbac, authorizer),
    taintNodesByCondition,
    podSecurity(registry, webhooks.clock, settings.podSecurity),
    priorityAdmission(registry),
    defaultTolerationSeconds,
    defaultStorageClass(registry),
    storageProtection,
    claimResize(registry),
    runtimeClassAdmission(registry),
    certificateSubjectRestriction,
    defaultIngressClass(registry),
    podTopologyLabels(registry),
    mutatingPolicies(registry, authorizer, policies),
    mutatingWebhooks(registry, webhooks, conditions),
    validatingPolicies(registry, authorizer, policies),
    validatingWebhooks(registry, webhooks, conditions),
    resourceQuotaAdmission(registry, webhooks.clock),
  ];
  const disabled = new Set(settings.disabledPlugins);
  checkNames(settings, new Set(all.map((plugin) => plugin.name).filter((name) => name !== fixedPlugin)));
  return new Admission(
    all.filter((plugin) => !disabled.has(plugin.name)),
    metrics,
  );
}

/** Throws `ConfigError` for names of plug-ins that do not exist, or that are both enabled and disabled. */
function checkNames({ enabledPlugins = [], disabledPlugins = [] }: AdmissionOptions, known: ReadonlySet<string>): void {
  for (const [flag, names] of [
    ['enable', enabledPlugins],
    ['disable', disabledPlugins],
  ] as const) {
    const unknown = names.find((name) => !known.has(name));
    if (unknown !== undefined)
      throw new ConfigError(`${flag}-admission-plugins plugin ${JSON.stringify(unknown)} is unknown; there are ${[...known].join(', ')}`);
  }
  const both = enabledPlugins.filter((name) => disabledPlugins.includes(name));
  if (both.length > 0) throw new ConfigError(`${both.join(', ')} in enable-admission-plugins and disable-admission-plugins overlapped`);
}
