import type { Pod } from '@bayplan/api';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { podDomainName } from './sandbox-config.ts';

const heading = '# Kubernetes-managed hosts file.\n';
const hostHeading = '# Kubernetes-managed hosts file (host network).\n';

/** The content of a pod's /etc/hosts. @param hostHosts the host's own file, for pods on its network. */
export function hostsFile(pod: Pod, ips: readonly string[], hostname: string, clusterDomain: string, hostHosts: string): string {
  const names = [podDomainName(pod, clusterDomain), hostname].filter((name) => name !== undefined && name !== '').join('\t');
  const base =
    pod.spec?.hostNetwork === true
      ? `${hostHeading}${hostHosts}`
      : `${heading}127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n${ips.map((ip) => `${ip}\t${names}\n`).join('')}`;
  const aliases = pod.spec?.hostAliases ?? [];
  if (aliases.length === 0) return base;
  return `${base}\n# Entries added by HostAliases.\n${aliases.map((alias) => `${alias.ip}\t${(alias.hostnames ?? []).join('\t')}\n`).join('')}`;
}

/** Writes the file in place, so that containers that have it mounted see the change; only when it differs. */
export async function writeHostsFile(file: string, content: string): Promise<void> {
  const present = await readFile(file, 'utf8').catch(() => undefined);
  if (present === content) return;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content, { mode: 0o644 });
}
