import { FieldPath } from '../errors/field-path.ts';
import type { Container, ContainerPort, EphemeralContainer, ObjectMeta, PodAffinityTerm, PodSpec } from '../generated/types.ts';
import { eachContainer } from '../validation/pods/context.ts';
import { warnOfAddress, warnOfFractions } from './amounts.ts';
import { labelDeprecation, warnOfLabels, warnOfTerm } from './node-labels.ts';
import { warnOfVolumes } from './volumes.ts';

type AnyContainer = Container | EphemeralContainer;
type Annotations = Readonly<Record<string, string>> | undefined;

const annotationDeprecations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
};
const seccompKey = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompPrefix = 'container.seccomp.security.alpha.kubernetes.io/';
const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';
const byteNames = ['memory', 'ephemeral-storage'];

function warnOfAnnotations(annotations: Annotations, spec: PodSpec, owner: FieldPath | undefined, warnings: string[]): void {
  if (!annotations) return;
  const path = owner === undefined ? FieldPath.of('metadata', 'annotations') : owner.child('metadata', 'annotations');
  for (const [key, why] of Object.entries(annotationDeprecations)) {
    if (annotations[key] !== undefined) warnings.push(`${path.key(key).toString()}: ${why}`);
  }
  const seccomp = 'non-functional in v1.27+; use the "seccompProfile" field instead';
  if (spec.securityContext?.seccompProfile === undefined && annotations[seccompKey] !== undefined) {
    warnings.push(`${path.key(seccompKey).toString()}: ${seccomp}`);
  }
  eachContainer(spec, path, ({ name, securityContext }) => {
    const own = seccompPrefix + name;
    if (securityContext?.seccompProfile === undefined && annotations[own] !== undefined) {
      warnings.push(`${path.key(own).toString()}: ${seccomp}`);
    }
    const armor = appArmorPrefix + name;
    if (securityContext?.appArmorProfile === undefined && annotations[armor] !== undefined) {
      warnings.push(`${path.key(armor).toString()}: deprecated since v1.30; use the "appArmorProfile" field instead`);
    }
  });
}

/** Of variables that hide one of the same name without using it. */
function warnOfEnvironment({ env }: AnyContainer, path: FieldPath, warnings: string[]): void {
  if (!env || env.length < 2) return;
  const names = new Set<string>();
  for (const [at, { name, value = '', valueFrom }] of env.entries()) {
    const reference = `$(${name})`;
    if (names.has(name) && (valueFrom !== undefined || value === reference || !value.includes(reference))) {
      const shown = path.child('env').index(at).toString();
      warnings.push(`${shown}: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`);
    }
    names.add(name);
  }
}

interface SeenPort {
  readonly path: string;
  readonly port: ContainerPort;
}

function meeting(port: ContainerPort, other: ContainerPort): string | undefined {
  const [ip = '', otherIp = ''] = [port.hostIP, other.hostIP];
  const [host = 0, otherHost = 0] = [port.hostPort, other.hostPort];
  if (ip === otherIp && host === otherHost) return 'duplicate port definition';
  if (host === 0 || otherHost === 0) return 'overlapping port definition';
  return host === otherHost && (ip === '') !== (otherIp === '') ? 'dangerously ambiguous port definition' : undefined;
}

function warnOfPorts(spec: PodSpec, path: FieldPath, warnings: string[]): void {
  const seen = new Map<string, SeenPort[]>();
  const names = new Map<string, string>();
  const sameNames: string[] = [];
  eachContainer(spec, path, ({ ports }, at) => {
    for (const [position, port] of (ports ?? []).entries()) {
      const here = at.child('ports').index(position).toString();
      if (port.hostIP && !port.hostPort) warnings.push(`${here}: hostIP set without hostPort: ${JSON.stringify(port)}`);
      const key = `${port.containerPort.toString()}/${port.protocol ?? 'TCP'}`;
      const others = seen.get(key) ?? [];
      for (const other of others) {
        const how = meeting(port, other.port);
        if (how !== undefined) warnings.push(`${here}: ${how} with ${other.path}`);
      }
      seen.set(key, [...others, { path: here, port }]);
      if (!port.name) continue;
      const first = names.get(port.name);
      if (first === undefined) names.set(port.name, here);
      else {
        const shown = JSON.stringify(port.name);
        sameNames.push(
          `${here}: duplicate port name ${shown} with ${first}, services and probes that select ports by name will use ${first}`,
        );
      }
    }
  });
  warnings.push(...sameNames);
}

const hard = 'requiredDuringSchedulingIgnoredDuringExecution';
const soft = 'preferredDuringSchedulingIgnoredDuringExecution';
const nullSelector = 'a null labelSelector results in matching no pod';

function warnOfAffinity(spec: PodSpec, path: FieldPath, warnings: string[]): void {
  const node = spec.affinity?.nodeAffinity;
  for (const [at, term] of (node?.[hard]?.nodeSelectorTerms ?? []).entries()) {
    warnOfTerm(term, false, path.child('affinity', 'nodeAffinity', hard, 'nodeSelectorTerms').index(at), warnings);
  }
  for (const [at, { preference }] of (node?.[soft] ?? []).entries()) {
    warnOfTerm(preference, true, path.child('affinity', 'nodeAffinity', soft).index(at).child('preference'), warnings);
  }
}

function warnOfPodAffinity(spec: PodSpec, path: FieldPath, warnings: string[]): void {
  const check = (term: PodAffinityTerm, here: FieldPath): void => {
    if (term.labelSelector === undefined) warnings.push(`${here.child('labelSelector').toString()}: ${nullSelector}`);
  };
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const terms = spec.affinity?.[kind];
    if (terms === undefined) continue;
    const here = path.child('affinity', kind);
    for (const [at, term] of (terms[hard] ?? []).entries()) check(term, here.child(hard).index(at));
    for (const [at, term] of (terms[soft] ?? []).entries()) {
      check(term.podAffinityTerm, here.child(soft).index(at).child('podAffinityTerm'));
    }
  }
}

/** Of entries that say again what an earlier one said. */
function warnOfRepeats(values: readonly (string | undefined)[], what: string, of: (at: number) => FieldPath, warnings: string[]): void {
  const seen = new Set<string | undefined>();
  for (const [at, value] of values.entries()) {
    if (seen.has(value)) warnings.push(`${of(at).toString()}: duplicate ${what} ${JSON.stringify(value ?? '')}`);
    seen.add(value);
  }
}

/** Of a pod, or a template of one that stands at `owner`. Cheap for a pod without anything odd: it is asked for every pod. */
export function warnOfPod(meta: ObjectMeta | undefined, spec: PodSpec, owner: FieldPath | undefined, warnings: string[]): void {
  const path = owner === undefined ? FieldPath.of('spec') : owner.child('spec');
  warnOfLabels(spec.nodeSelector, path.child('nodeSelector'), warnings);
  if (spec.affinity !== undefined) warnOfAffinity(spec, path, warnings);
  for (const [at, { topologyKey, labelSelector }] of (spec.topologySpreadConstraints ?? []).entries()) {
    const here = path.child('topologySpreadConstraints').index(at);
    const why = labelDeprecation(topologyKey);
    if (why !== undefined) warnings.push(`${here.child('topologyKey').toString()}: ${topologyKey} is ${why}`);
    if (labelSelector === undefined) warnings.push(`${here.child('labelSelector').toString()}: ${nullSelector}`);
  }
  warnOfAnnotations(meta?.annotations, spec, owner, warnings);
  if (spec.volumes) warnOfVolumes(spec.volumes, path.child('volumes'), warnings);
  const aliases = path.child('hostAliases');
  if (spec.hostAliases) {
    const of = (at: number): FieldPath => aliases.index(at).child('ip');
    warnOfRepeats(
      spec.hostAliases.map(({ ip }) => ip),
      'ip',
      of,
      warnings,
    );
  }
  const secrets = path.child('imagePullSecrets');
  if (spec.imagePullSecrets) {
    const of = (at: number): FieldPath => secrets.index(at).child('name');
    warnOfRepeats(
      spec.imagePullSecrets.map(({ name }) => name),
      'name',
      of,
      warnings,
    );
    for (const [at, { name }] of spec.imagePullSecrets.entries()) if (!name) warnings.push(`${of(at).toString()}: invalid empty name ""`);
  }
  warnOfFractions(spec.overhead, byteNames, path.child('overhead'), warnings);
  eachContainer(spec, path, (container, here) => {
    const { resources } = container;
    for (const name of resources === undefined ? [] : byteNames) {
      warnOfFractions(resources?.limits, [name], here.child('resources', 'limits'), warnings);
      warnOfFractions(resources?.requests, [name], here.child('resources', 'requests'), warnings);
    }
    warnOfEnvironment(container, here, warnings);
  });
  warnOfPorts(spec, path, warnings);
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    const here = path.child('terminationGracePeriodSeconds').toString();
    warnings.push(`${here}: must be >= 0; negative values are invalid and will be treated as 1`);
  }
  if (spec.affinity !== undefined) warnOfPodAffinity(spec, path, warnings);
  for (const [at, server] of (spec.dnsConfig?.nameservers ?? []).entries()) {
    warnOfAddress(server, path.child('dnsConfig', 'nameservers').index(at), warnings);
  }
  for (const [at, { ip }] of (spec.hostAliases ?? []).entries()) warnOfAddress(ip, aliases.index(at).child('ip'), warnings);
}
