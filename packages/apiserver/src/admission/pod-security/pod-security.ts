import { fieldErrorText, forbidden, invalid, sameJson } from '@bayplan/api';
import type { KubeObject, ObjectMeta, Pod, PodSpec } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import type { Registry } from '../../registry/registry.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { refuse } from '../admission.ts';
import type { Subject } from './check.ts';
import { levels, levelText, policyOf, privilegedPolicy } from './policy.ts';
import type { LevelVersion, PodSecurityPolicy } from './policy.ts';

/** What an administrator can set for the whole cluster. */
export interface PodSecurityOptions {
  readonly defaults?: PodSecurityPolicy;
  readonly exemptions?: {
    readonly usernames?: readonly string[];
    readonly namespaces?: readonly string[];
    readonly runtimeClasses?: readonly string[];
  };
}

const maxPodsToCheck = 3000;
const maxCheckMs = 1000;
/** Of a pod's subresources only these change what it may do. */
const judgedSubresources = new Set(['', 'ephemeralcontainers', 'resize']);

type Template = { metadata?: ObjectMeta; spec?: PodSpec };

/** Where workloads keep what they make pods of. */
const templates: Readonly<Record<string, (object: KubeObject) => Template | undefined>> = {
  '/replicationcontrollers': templateOfSpec,
  '/podtemplates': (object) => (object as KubeObject & { template?: Template }).template,
  'apps/replicasets': templateOfSpec,
  'apps/deployments': templateOfSpec,
  'apps/statefulsets': templateOfSpec,
  'apps/daemonsets': templateOfSpec,
  'batch/jobs': templateOfSpec,
  'batch/cronjobs': (object) => templateOfSpec((object as KubeObject & { spec?: { jobTemplate?: KubeObject } }).spec?.jobTemplate),
};

function templateOfSpec(object: KubeObject | undefined): Template | undefined {
  return (object as { spec?: { template?: Template } } | undefined)?.spec?.template;
}

/** The Pod Security Standards, as labels of namespaces ask for them. */
export function podSecurity(registry: Registry, clock: Clock, options: PodSecurityOptions = {}): AdmissionPlugin {
  const { defaults = privilegedPolicy, exemptions = {} } = options;
  const checker = new PodChecker(registry, clock, defaults, exemptions);
  return {
    name: 'PodSecurity',
    validate(request) {
      const { resource, operation, subresource } = request;
      if (operation !== 'CREATE' && operation !== 'UPDATE') return;
      const name = `${resource.group}/${resource.resource}`;
      if (name === '/namespaces') return subresource === '' ? checker.namespace(request) : undefined;
      if (name === '/pods') return judgedSubresources.has(subresource) ? checker.pod(request) : undefined;
      const template = templates[name];
      return template === undefined || subresource !== '' ? undefined : checker.workload(request, template);
    },
  };
}

class PodChecker {
  private readonly registry: Registry;
  private readonly clock: Clock;
  private readonly defaults: PodSecurityPolicy;
  private readonly exemptions: NonNullable<PodSecurityOptions['exemptions']>;

  constructor(registry: Registry, clock: Clock, defaults: PodSecurityPolicy, exemptions: NonNullable<PodSecurityOptions['exemptions']>) {
    this.registry = registry;
    this.clock = clock;
    this.defaults = defaults;
    this.exemptions = exemptions;
  }

  async pod(request: AdmissionRequest): Promise<void> {
    if (this.isExempt(request)) return;
    const { policy, faults } = await this.policyOf(request.namespace);
    if (faults === '' && Object.values(policy).every((mode: LevelVersion) => mode.level === 'privileged')) return;
    const pod = request.object as Pod;
    if (request.operation === 'UPDATE' && !isSignificant(pod, request.old as Pod)) return;
    await this.judge(request, policy, faults, pod.metadata, pod.spec, true);
  }

  async workload(request: AdmissionRequest, templateOf: (object: KubeObject) => Template | undefined): Promise<void> {
    if (request.object === undefined || this.isExempt(request)) return;
    const { policy, faults } = await this.policyOf(request.namespace);
    if (faults === '' && policy.warn.level === 'privileged' && policy.audit.level === 'privileged') return;
    const template = templateOf(request.object);
    if (template !== undefined) await this.judge(request, policy, faults, template.metadata, template.spec, false);
  }

  async namespace(request: AdmissionRequest): Promise<void> {
    const { object, old } = request;
    if (object === undefined) return;
    const now = policyOf(object.metadata.labels, this.defaults);
    const before = policyOf(old?.metadata.labels, this.defaults);
    const name = object.metadata.name ?? '';
    if (now.faults.length > 0 && (old === undefined || !sameJson(now.faults, before.faults))) {
      throw invalid({ group: '', kind: 'Namespace' }, name, now.faults);
    }
    const { enforce } = now.policy;
    if (old === undefined || enforce.level === 'privileged' || sameLevel(enforce, before.policy.enforce)) return;
    const stricter = levels.indexOf(enforce.level) > levels.indexOf(before.policy.enforce.level);
    if (enforce.minor === before.policy.enforce.minor && !stricter) return;
    if ((this.exemptions.namespaces ?? []).includes(name)) return;
    for (const warning of await this.existing(name, enforce)) request.warn(warning);
  }

  private async judge(
    request: AdmissionRequest,
    policy: PodSecurityPolicy,
    faults: string,
    metadata: ObjectMeta | undefined,
    spec: PodSpec | undefined,
    enforced: boolean,
  ): Promise<void> {
    if (spec === undefined || this.isExemptClass(spec)) return;
    const { violationsOf, detailText } = await import('./evaluate.ts');
    const { subjectOf } = await import('./check.ts');
    const subject: Subject = subjectOf(metadata, spec);
    const annotate = (key: string, value: string): void => request.annotate(`pod-security.kubernetes.io/${key}`, value);
    if (faults !== '') annotate('error', `Failed to parse policy: ${faults}`);
    const verdict = (mode: LevelVersion): string => {
      const violations = violationsOf(subject, mode);
      return violations.length === 0 ? '' : `violate PodSecurity ${JSON.stringify(levelText(mode))}: ${detailText(violations)}`;
    };
    if (enforced) annotate('enforce-policy', levelText(policy.enforce));
    const audited = verdict(policy.audit);
    if (audited !== '') annotate('audit-violations', `would ${audited}`);
    if (enforced) {
      const refused = verdict(policy.enforce);
      if (refused !== '') throw refuse(request, refused.replace(/^violate/, 'violates'));
    }
    const warned = verdict(policy.warn);
    if (warned !== '') request.warn(`would ${warned}`);
  }

  /** Warnings about pods that a stricter level would not let in any more. */
  private async existing(namespace: string, level: LevelVersion): Promise<string[]> {
    const { violationsOf, reasonText } = await import('./evaluate.ts');
    const { subjectOf } = await import('./check.ts');
    const { cache } = this.registry.stored('', 'v1', 'pods').storage;
    await cache.start();
    const entries = cache.list({ namespace, matches: () => true });
    const deadline = this.clock.monotonic() + maxCheckMs;
    const found = new Map<string, string[]>();
    let checked = 0;
    for (const entry of entries.slice(0, maxPodsToCheck)) {
      checked++;
      const pod = entry.stored.object as Pod;
      if (pod.spec === undefined || this.isExemptClass(pod.spec)) continue;
      const reason = reasonText(violationsOf(subjectOf(pod.metadata, pod.spec), level));
      if (reason !== '') found.set(reason, [...(found.get(reason) ?? []), entry.name]);
      // Thousands of pods must not hold up everybody else.
      if (checked % 100 === 0) await this.clock.sleep(0);
      if (this.clock.monotonic() > deadline) break;
    }
    const warnings: string[] = [];
    if (checked < entries.length) {
      warnings.push(
        `new PodSecurity enforce level only checked against the first ${checked.toString()} of ${entries.length.toString()} existing pods`,
      );
    }
    if (found.size > 0) {
      warnings.push(
        `existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${JSON.stringify(levelText(level))}`,
      );
    }
    return [...warnings, ...[...found].map(([reason, names]) => `${podsText(names)}: ${reason}`).sort()];
  }

  private async policyOf(namespace: string): Promise<{ policy: PodSecurityPolicy; faults: string }> {
    const { storage, ...namespaces } = this.registry.stored('', 'v1', 'namespaces');
    await storage.cache.start();
    const found = storage.cache.get('', namespace)?.stored ?? (await storage.find('', namespace));
    if (found === undefined) throw forbidden(namespaces, namespace, `failed to lookup namespace ${namespace}`);
    const { policy, faults } = policyOf(found.object.metadata.labels, this.defaults);
    return { policy, faults: faults.map(fieldErrorText).join(', ') };
  }

  private isExempt({ namespace, user }: AdmissionRequest): boolean {
    return (this.exemptions.namespaces ?? []).includes(namespace) || (this.exemptions.usernames ?? []).includes(user.name);
  }

  private isExemptClass({ runtimeClassName }: PodSpec): boolean {
    return Boolean(runtimeClassName) && (this.exemptions.runtimeClasses ?? []).includes(runtimeClassName ?? '');
  }
}

function podsText(names: readonly string[]): string {
  const first = [...names].sort()[0] ?? '';
  if (names.length === 1) return first;
  return names.length === 2 ? `${first} (and 1 other pod)` : `${first} (and ${(names.length - 1).toString()} other pods)`;
}

function sameLevel(a: LevelVersion, b: LevelVersion): boolean {
  return a.level === b.level && a.minor === b.minor;
}

/** Only images and ephemeral containers of a pod can change in a way that matters here. */
function isSignificant(pod: Pod, old: Pod): boolean {
  const shape = ({ spec, metadata }: Pod): unknown => ({
    seccomp: Object.entries(metadata?.annotations ?? {}).filter(([key]) => key.includes('seccomp.security.alpha.kubernetes.io/')),
    images: [...(spec?.containers ?? []), ...(spec?.initContainers ?? []), ...(spec?.ephemeralContainers ?? [])].map(({ name, image }) => [
      name,
      image,
    ]),
  });
  return !sameJson(shape(pod), shape(old));
}
