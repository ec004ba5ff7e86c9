import type { Container } from '@bayplan/api';
import { isSeccompProfile, procMount, seccompStated } from './baseline-checks.ts';
import { containersText, namesOf, quoted, settersText, sorted, usesUserNamespace } from './check.ts';
import type { Check, CheckPod } from './check.ts';

const escalation: CheckPod = (subject) => {
  const bad = namesOf(subject, (container) => container.securityContext?.allowPrivilegeEscalation !== false);
  return bad.length === 0
    ? undefined
    : {
        reason: 'allowPrivilegeEscalation != false',
        detail: `${containersText(bad)} must set securityContext.allowPrivilegeEscalation=false`,
      };
};

const capabilities: CheckPod = ({ containers }) => {
  const added = (container: Container): string[] =>
    (container.securityContext?.capabilities?.add ?? []).filter((one) => one !== 'NET_BIND_SERVICE');
  const names = (list: readonly Container[]): string[] => list.map((container) => container.name);
  const keeping = containers.filter((container) => !(container.securityContext?.capabilities?.drop ?? []).includes('ALL'));
  const adding = containers.filter((container) => added(container).length > 0);
  const details = [
    ...(keeping.length === 0 ? [] : [`${containersText(names(keeping))} must set securityContext.capabilities.drop=["ALL"]`]),
    ...(adding.length === 0
      ? []
      : [`${containersText(names(adding))} must not include ${quoted(sorted(adding.flatMap(added)))} in securityContext.capabilities.add`]),
  ];
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') };
};

const volumeTypes = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
] as const;

const volumes: CheckPod = ({ spec }) => {
  const bad = sorted(
    (spec.volumes ?? []).filter((volume) => volumeTypes.every((type) => volume[type] === undefined)).map((volume) => volume.name),
  );
  if (bad.length === 0) return undefined;
  const types = sorted(
    (spec.volumes ?? [])
      .filter((volume) => bad.includes(volume.name))
      .map((volume) => Object.entries(volume).find(([key, value]) => key !== 'name' && value !== undefined)?.[0] ?? 'unknown'),
  );
  const use = bad.length === 1 ? `volume ${quoted(bad)} uses` : `volumes ${quoted(bad)} use`;
  return {
    reason: 'restricted volume types',
    detail: `${use} restricted volume ${types.length === 1 ? 'type' : 'types'} ${quoted(types)}`,
  };
};

const nonRoot: CheckPod = (subject) => {
  const ofPod = subject.spec.securityContext?.runAsNonRoot;
  const denied = namesOf(subject, (container) => container.securityContext?.runAsNonRoot === false);
  const setters = settersText(ofPod === false, denied);
  const reason = 'runAsNonRoot != true';
  if (setters !== '') return { reason, detail: `${setters} must not set securityContext.runAsNonRoot=false` };
  const silent = namesOf(subject, (container) => (container.securityContext?.runAsNonRoot ?? undefined) === undefined);
  if (ofPod === true || silent.length === 0) return undefined;
  return { reason, detail: `pod or ${containersText(silent)} must set securityContext.runAsNonRoot=true` };
};

const nonRootUser: CheckPod = (subject) => {
  const bad = namesOf(subject, (container) => container.securityContext?.runAsUser === 0);
  const setters = settersText(subject.spec.securityContext?.runAsUser === 0, bad);
  return setters === '' ? undefined : { reason: 'runAsUser=0', detail: `${setters} must not set runAsUser=0` };
};

const seccomp: CheckPod = (subject) => {
  const stated = seccompStated(subject);
  if (stated !== undefined) return stated;
  if (isSeccompProfile(subject.spec.securityContext?.seccompProfile?.type)) return undefined;
  const silent = namesOf(subject, (container) => container.securityContext?.seccompProfile === undefined);
  if (silent.length === 0) return undefined;
  return {
    reason: 'seccompProfile',
    detail: `pod or ${containersText(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
};

/** Windows has none of what these checks are about. */
const exceptWindows =
  (check: CheckPod): CheckPod =>
  (subject) =>
    subject.spec.os?.name === 'windows' ? undefined : check(subject);

/** Root in a user namespace is nobody outside of it. */
const exceptUserNamespaces =
  (check: CheckPod): CheckPod =>
  (subject) =>
    usesUserNamespace(subject) ? undefined : check(subject);

/** In order of their ids, in which messages list them. */
export const restrictedChecks: readonly Check[] = [
  {
    id: 'allowPrivilegeEscalation',
    level: 'restricted',
    versions: [
      { since: 8, check: escalation },
      { since: 25, check: exceptWindows(escalation) },
    ],
  },
  {
    id: 'capabilities_restricted',
    level: 'restricted',
    versions: [
      { since: 22, check: capabilities, overrides: 'capabilities_baseline' },
      { since: 25, check: exceptWindows(capabilities), overrides: 'capabilities_baseline' },
    ],
  },
  { id: 'procMount_restricted', level: 'restricted', versions: [{ since: 35, check: procMount, overrides: 'procMount' }] },
  { id: 'restrictedVolumes', level: 'restricted', versions: [{ since: 0, check: volumes, overrides: 'hostPathVolumes' }] },
  {
    id: 'runAsNonRoot',
    level: 'restricted',
    versions: [
      { since: 0, check: nonRoot },
      { since: 35, check: exceptUserNamespaces(nonRoot) },
    ],
  },
  {
    id: 'runAsUser',
    level: 'restricted',
    versions: [
      { since: 23, check: nonRootUser },
      { since: 35, check: exceptUserNamespaces(nonRootUser) },
    ],
  },
  {
    id: 'seccompProfile_restricted',
    level: 'restricted',
    versions: [
      { since: 19, check: seccomp, overrides: 'seccompProfile_baseline' },
      { since: 25, check: exceptWindows(seccomp), overrides: 'seccompProfile_baseline' },
    ],
  },
];
