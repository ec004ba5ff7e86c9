import type { Pod } from '@bayplan/api';
import type { DNSConfig, Draft, PodSandboxConfig } from '@bayplan/rpc';
import path from 'node:path';
import { sandboxLabels } from './labels.ts';
import { sandboxSecurity } from './security.ts';
import type { SecurityDefaults } from './security.ts';

export interface SandboxSurroundings {
  readonly podLogsDir: string;
  readonly cgroupParent: string;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The host's own resolver configuration. */
  readonly hostDns: { readonly servers: readonly string[]; readonly searches: readonly string[]; readonly options: readonly string[] };
  readonly nodeName: string;
  readonly security: SecurityDefaults;
}

/** Folder of a pod's logs: `NS_NAME_UID`. */
export function podLogDirectory(podLogsDir: string, pod: Pod): string {
  return path.join(podLogsDir, `${pod.metadata.namespace ?? ''}_${pod.metadata.name ?? ''}_${pod.metadata.uid ?? ''}`);
}

export function sandboxConfig(pod: Pod, attempt: number, around: SandboxSurroundings): Draft<PodSandboxConfig> {
  const hostNetwork = pod.spec?.hostNetwork === true;
  return {
    metadata: { name: pod.metadata.name ?? '', namespace: pod.metadata.namespace ?? '', uid: pod.metadata.uid ?? '', attempt },
    hostname: hostNetwork ? (around.nodeName.split('.')[0] ?? '') : podHostname(pod, around.clusterDomain),
    logDirectory: podLogDirectory(around.podLogsDir, pod),
    dnsConfig: dnsConfig(pod, around),
    portMappings: hostNetwork
      ? []
      : [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].flatMap((container) =>
          (container.ports ?? [])
            .filter((port) => (port.hostPort ?? 0) > 0)
            .map((port) => ({
              protocol: port.protocol === 'UDP' ? ('UDP' as const) : port.protocol === 'SCTP' ? ('SCTP' as const) : ('TCP' as const),
              containerPort: port.containerPort,
              hostPort: port.hostPort ?? 0,
              hostIp: port.hostIP ?? '',
            })),
        ),
    labels: sandboxLabels(pod),
    annotations: pod.metadata.annotations ?? {},
    linux: {
      cgroupParent: around.cgroupParent,
      securityContext: sandboxSecurity(pod, around.security),
      sysctls: Object.fromEntries((pod.spec?.securityContext?.sysctls ?? []).map((sysctl) => [sysctl.name, sysctl.value])),
    },
  };
}

/** A host name has at most 63 characters on Linux; a longer pod name is cut. */
export function podHostname(pod: Pod, clusterDomain: string): string {
  const own = pod.spec?.hostnameOverride ?? pod.spec?.hostname ?? pod.metadata.name ?? '';
  const short = own.slice(0, 63).replace(/[-.]+$/, '');
  if (pod.spec?.setHostnameAsFQDN === true && pod.spec.subdomain)
    return `${short}.${pod.spec.subdomain}.${pod.metadata.namespace ?? ''}.svc.${clusterDomain}`;
  return short;
}

/** The pod's full name in the cluster's DNS, when it has a subdomain. */
export function podDomainName(pod: Pod, clusterDomain: string): string | undefined {
  if (!pod.spec?.subdomain) return undefined;
  const short = (pod.spec.hostname ?? pod.metadata.name ?? '').slice(0, 63);
  return `${short}.${pod.spec.subdomain}.${pod.metadata.namespace ?? ''}.svc.${clusterDomain}`;
}

/** What goes into the pod's resolv.conf, by its `dnsPolicy` and `dnsConfig`. */
export function dnsConfig(pod: Pod, around: SandboxSurroundings): Draft<DNSConfig> {
  const policy = pod.spec?.dnsPolicy ?? 'ClusterFirst';
  const inCluster = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && pod.spec?.hostNetwork !== true);
  const base =
    policy === 'None'
      ? { servers: [], searches: [], options: [] }
      : inCluster && around.clusterDns.length > 0
        ? {
            servers: around.clusterDns,
            searches: [
              `${pod.metadata.namespace ?? ''}.svc.${around.clusterDomain}`,
              `svc.${around.clusterDomain}`,
              around.clusterDomain,
              ...around.hostDns.searches,
            ],
            options: ['ndots:5'],
          }
        : around.hostDns;
  const own = pod.spec?.dnsConfig;
  const options = new Map(base.options.map((option): [string, string] => [option.split(':')[0] ?? option, option]));
  for (const option of own?.options ?? []) {
    if (option.name)
      options.set(option.name, option.value === undefined || option.value === '' ? option.name : `${option.name}:${option.value}`);
  }
  return {
    servers: [...new Set([...base.servers, ...(own?.nameservers ?? [])])],
    searches: [...new Set([...base.searches, ...(own?.searches ?? [])])],
    options: [...options.values()],
  };
}

/** Reads a resolv.conf. */
export function parseResolvConf(text: string): { servers: string[]; searches: string[]; options: string[] } {
  const found: { servers: string[]; searches: string[]; options: string[] } = { servers: [], searches: [], options: [] };
  for (const line of text.split('\n')) {
    const [key, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (key === 'nameserver' && values[0] !== undefined) found.servers.push(values[0]);
    else if (key === 'search' || key === 'domain') found.searches = values.filter((value) => value !== '.');
    else if (key === 'options') found.options.push(...values);
  }
  return found;
}
