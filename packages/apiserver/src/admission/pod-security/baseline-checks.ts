import type { Container, LifecycleHandler, Probe, SELinuxOptions } from '@bayplan/api';
import { containersText, namesOf, plural, quoted, settersText, sorted, usesUserNamespace } from './check.ts';
import type { Check, CheckPod, Subject } from './check.ts';

const capabilities = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);
const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';
const seccompPod = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainer = 'container.seccomp.security.alpha.kubernetes.io/';

const appArmor: CheckPod = ({ metadata, spec, containers }) => {
  const isBad = (type: string | undefined): type is string => type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';
  const ofPod = spec.securityContext?.appArmorProfile?.type;
  const bad = containers.filter((container) => isBad(container.securityContext?.appArmorProfile?.type));
  const annotations = Object.entries(metadata?.annotations ?? {})
    .filter(([key, value]) => key.startsWith(appArmorPrefix) && !/^(|runtime\/default|localhost\/.*)$/.test(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  const setters = settersText(isBad(ofPod), names(bad));
  const types = sorted([ofPod, ...bad.map((container) => container.securityContext?.appArmorProfile?.type)].filter(isBad));
  const details = [...(setters === '' ? [] : [`${setters} must not set AppArmor profile type to ${quoted(types)}`]), ...annotations.sort()];
  if (details.length === 0) return undefined;
  const count = types.length + annotations.length;
  return { reason: plural('forbidden AppArmor profile', 'forbidden AppArmor profiles', count), detail: details.join(', ') };
};

const defaultCapabilities: CheckPod = ({ containers }) => {
  const added = (container: Container): string[] =>
    (container.securityContext?.capabilities?.add ?? []).filter((one) => !capabilities.has(one));
  const bad = containers.filter((container) => added(container).length > 0);
  if (bad.length === 0) return undefined;
  const list = quoted(sorted(bad.flatMap(added)));
  return {
    reason: 'non-default capabilities',
    detail: `${containersText(names(bad))} must not include ${list} in securityContext.capabilities.add`,
  };
};

const hostNamespaces: CheckPod = ({ spec }) => {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field] === true);
  return shared.length === 0 ? undefined : { reason: 'host namespaces', detail: shared.map((field) => `${field}=true`).join(', ') };
};

const hostPaths: CheckPod = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter((volume) => volume.hostPath !== undefined).map((volume) => volume.name);
  if (bad.length === 0) return undefined;
  return { reason: 'hostPath volumes', detail: `${plural('volume', 'volumes', bad.length)} ${quoted(bad)}` };
};

const hostPorts: CheckPod = ({ containers }) => {
  const ports = (container: Container): string[] =>
    (container.ports ?? []).filter((port) => (port.hostPort ?? 0) !== 0).map((port) => String(port.hostPort));
  const bad = containers.filter((container) => ports(container).length > 0);
  if (bad.length === 0) return undefined;
  const taken = sorted(bad.flatMap(ports));
  const use = plural('uses', 'use', bad.length);
  return {
    reason: 'hostPort',
    detail: `${containersText(names(bad))} ${use} ${plural('hostPort', 'hostPorts', taken.length)} ${taken.join(', ')}`,
  };
};

const handlerHosts: CheckPod = ({ containers }) => {
  const hosts = (container: Container): string[] => {
    const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
    const handlers: (Probe | LifecycleHandler | undefined)[] = [
      livenessProbe,
      readinessProbe,
      startupProbe,
      lifecycle?.postStart,
      lifecycle?.preStop,
    ];
    return handlers
      .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
      .filter((host) => host !== undefined && host !== '') as string[];
  };
  const bad = containers.filter((container) => hosts(container).length > 0);
  if (bad.length === 0) return undefined;
  const used = sorted(bad.flatMap(hosts));
  const use = plural('uses', 'use', bad.length);
  const noun = plural('probe or lifecycle host', 'probe or lifecycle hosts', used.length);
  return { reason: 'probe or lifecycle host', detail: `${containersText(sorted(names(bad)))} ${use} ${noun} ${quoted(used)}` };
};

const privileged: CheckPod = (subject) => {
  const bad = namesOf(subject, (container) => container.securityContext?.privileged === true);
  return bad.length === 0
    ? undefined
    : { reason: 'privileged', detail: `${containersText(bad)} must not set securityContext.privileged=true` };
};

export const procMount: CheckPod = ({ containers }) => {
  const bad = containers.filter((container) => (container.securityContext?.procMount ?? 'Default') !== 'Default');
  if (bad.length === 0) return undefined;
  const types = sorted(bad.map((container) => container.securityContext?.procMount ?? ''));
  return { reason: 'procMount', detail: `${containersText(names(bad))} must not set securityContext.procMount to ${quoted(types)}` };
};

/** Within a user namespace an unmasked `/proc` shows nothing of the host. */
const procMountOrUserNamespace: CheckPod = (subject) => (usesUserNamespace(subject) ? undefined : procMount(subject));

const seLinux =
  (types: ReadonlySet<string>): CheckPod =>
  (subject) => {
    const isBad = (options: SELinuxOptions | undefined): options is SELinuxOptions =>
      options !== undefined && (!types.has(options.type ?? '') || Boolean(options.user) || Boolean(options.role));
    const ofPod = subject.spec.securityContext?.seLinuxOptions;
    const bad = namesOf(subject, (container) => isBad(container.securityContext?.seLinuxOptions));
    const setters = settersText(isBad(ofPod), bad);
    if (setters === '') return undefined;
    const all = [ofPod, ...subject.containers.map((container) => container.securityContext?.seLinuxOptions)].filter(isBad);
    const badTypes = sorted(all.map((options) => options.type ?? '').filter((type) => !types.has(type)));
    const data = [
      ...(badTypes.length > 0 ? [`${plural('type', 'types', badTypes.length)} ${quoted(badTypes)}`] : []),
      ...(all.some((options) => options.user) ? ['user may not be set'] : []),
      ...(all.some((options) => options.role) ? ['role may not be set'] : []),
    ];
    return { reason: 'seLinuxOptions', detail: `${setters} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}` };
  };

const seccompAnnotations: CheckPod = ({ metadata, containers }) => {
  const keys = [seccompPod, ...containers.map((container) => `${seccompContainer}${container.name}`)];
  const bad = sorted(
    keys.flatMap((key) => {
      const value = metadata?.annotations?.[key];
      return value === undefined || /^(runtime\/default|docker\/default|localhost\/.*)$/.test(value)
        ? []
        : [`${key}=${JSON.stringify(value)}`];
    }),
  );
  if (bad.length === 0) return undefined;
  return { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', 'annotations', bad.length)} ${bad.join(', ')}` };
};

export function isSeccompProfile(type: string | undefined): boolean {
  return type === 'Localhost' || type === 'RuntimeDefault';
}

/** Profiles that are stated and must not be. */
export const seccompStated: CheckPod = (subject) => {
  const ofPod = subject.spec.securityContext?.seccompProfile;
  const podIsBad = ofPod !== undefined && !isSeccompProfile(ofPod.type);
  const bad = subject.containers.filter((container) => {
    const profile = container.securityContext?.seccompProfile;
    return profile !== undefined && !isSeccompProfile(profile.type);
  });
  const setters = settersText(podIsBad, names(bad));
  if (setters === '') return undefined;
  const values = sorted([
    ...(podIsBad ? [ofPod.type] : []),
    ...bad.map((container) => container.securityContext?.seccompProfile?.type ?? ''),
  ]);
  return { reason: 'seccompProfile', detail: `${setters} must not set securityContext.seccompProfile.type to ${quoted(values)}` };
};

const sysctls =
  (allowed: readonly string[]): CheckPod =>
  ({ spec }) => {
    const bad = (spec.securityContext?.sysctls ?? []).map((sysctl) => sysctl.name).filter((name) => !allowed.includes(name));
    return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
  };

const hostProcess: CheckPod = (subject) => {
  const bad = namesOf(subject, (container) => container.securityContext?.windowsOptions?.hostProcess === true);
  const setters = settersText(subject.spec.securityContext?.windowsOptions?.hostProcess === true, bad);
  return setters === ''
    ? undefined
    : { reason: 'hostProcess', detail: `${setters} must not set securityContext.windowsOptions.hostProcess=true` };
};

function names(containers: Subject['containers']): string[] {
  return containers.map((container) => container.name);
}

const seLinuxTypes = ['', 'container_t', 'container_init_t', 'container_kvm_t'];
const sysctls0 = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
];
const sysctls27 = [...sysctls0, 'net.ipv4.ip_local_reserved_ports'];
const sysctls29 = [
  ...sysctls27,
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
];
const sysctls32 = [...sysctls29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'];

const always = (id: string, check: CheckPod): Check => ({ id, level: 'baseline', versions: [{ since: 0, check }] });

/** In order of their ids, in which messages list them. */
export const baselineChecks: readonly Check[] = [
  always('appArmorProfile', appArmor),
  always('capabilities_baseline', defaultCapabilities),
  always('hostNamespaces', hostNamespaces),
  always('hostPathVolumes', hostPaths),
  always('hostPorts', hostPorts),
  { id: 'hostProbesAndHostLifecycle', level: 'baseline', versions: [{ since: 34, check: handlerHosts }] },
  always('privileged', privileged),
  {
    id: 'procMount',
    level: 'baseline',
    versions: [
      { since: 0, check: procMount },
      { since: 35, check: procMountOrUserNamespace },
    ],
  },
  {
    id: 'seLinuxOptions',
    level: 'baseline',
    versions: [
      { since: 0, check: seLinux(new Set(seLinuxTypes)) },
      { since: 31, check: seLinux(new Set([...seLinuxTypes, 'container_engine_t'])) },
    ],
  },
  {
    id: 'seccompProfile_baseline',
    level: 'baseline',
    versions: [
      { since: 0, check: seccompAnnotations },
      { since: 19, check: seccompStated },
    ],
  },
  {
    id: 'sysctls',
    level: 'baseline',
    versions: [
      { since: 0, check: sysctls(sysctls0) },
      { since: 27, check: sysctls(sysctls27) },
      { since: 29, check: sysctls(sysctls29) },
      { since: 32, check: sysctls(sysctls32) },
    ],
  },
  always('windowsHostProcess', hostProcess),
];
