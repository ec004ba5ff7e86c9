import type { Random } from '@bayplan/component-base';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { RbacAuthorizer } from '../authorization/rbac.ts';
import type { Registry } from '../registry/registry.ts';
import { Admission } from './admission.ts';
import { certificateSubjectRestriction } from './certificate-subject.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { podSecurity } from './pod-security/pod-security.ts';
import type { PodSecurityOptions } from './pod-security/pod-security.ts';
import { defaultTolerationSeconds, priorityAdmission, runtimeClassAdmission } from './pod-defaults.ts';
import { rbacEscalation } from './rbac-escalation.ts';
import { resourceQuotaAdmission } from './quota/resource-quota.ts';
import type { CallerOptions } from './webhook/hook-caller.ts';
import { mutatingWebhooks } from './webhook/mutating-webhooks.ts';
import { validatingWebhooks } from './webhook/validating-webhooks.ts';
import { serviceAccountAdmission } from './service-account.ts';

/** What an administrator can set. */
export interface AdmissionOptions {
  readonly podSecurity?: PodSecurityOptions;
}

/** The default plug-ins, in the order in which they run. */
export function createAdmission(
  registry: Registry,
  random: Random,
  rbac: RbacAuthorizer,
  authorizer: () => Authorizer,
  webhooks: CallerOptions,
  settings: AdmissionOptions,
): Admission {
  return new Admission([
    namespaceLifecycle(registry),
    nodeRestriction,
    rbacEscalation(rbac, authorizer),
    certificateSubjectRestriction,

    limitRanger(registry),
    serviceAccountAdmission(registry, random),
    priorityAdmission(registry),
    runtimeClassAdmission(registry),
    defaultTolerationSeconds,
    podSecurity(registry, webhooks.clock, settings.podSecurity),
    mutatingWebhooks(registry, webhooks),
    validatingWebhooks(registry, webhooks),
    resourceQuotaAdmission(registry, webhooks.clock),
  ]);
}
