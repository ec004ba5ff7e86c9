import { readFile, writeFile } from 'node:fs/promises';
import type { Logger } from '@bayplan/component-base';

interface Sysctl {
  /** Path below `/proc/sys`. */
  readonly path: string;
  readonly value: number;
  /** `raise` leaves a larger value alone. */
  readonly how: 'set' | 'raise';
}

/** What routing for pods needs, and limits that hundreds of pods on a node reach with the kernel's defaults. */
export const requiredSysctls: readonly Sysctl[] = [
  { path: 'net/ipv4/ip_forward', value: 1, how: 'set' },
  // Pods share one gateway on routed links: a redirect would tell them to talk to each other directly, which they cannot.
  { path: 'net/ipv4/conf/all/send_redirects', value: 0, how: 'set' },
  { path: 'net/ipv4/conf/default/send_redirects', value: 0, how: 'set' },
  { path: 'net/ipv4/neigh/default/gc_thresh1', value: 4096, how: 'raise' },
  { path: 'net/ipv4/neigh/default/gc_thresh2', value: 8192, how: 'raise' },
  { path: 'net/ipv4/neigh/default/gc_thresh3', value: 16_384, how: 'raise' },
  { path: 'net/netfilter/nf_conntrack_max', value: 262_144, how: 'raise' },
  { path: 'kernel/pid_max', value: 4_194_304, how: 'raise' },
  { path: 'fs/inotify/max_user_instances', value: 8192, how: 'raise' },
  { path: 'fs/inotify/max_user_watches', value: 524_288, how: 'raise' },
];

/** Sets what differs. One that cannot be set is logged, because a node may still work without it. */
export async function applySysctls(logger: Logger, sysctls: readonly Sysctl[] = requiredSysctls): Promise<void> {
  for (const sysctl of sysctls) {
    const file = `/proc/sys/${sysctl.path}`;
    try {
      const current = Number(await readFile(file, 'utf8'));
      if (current === sysctl.value || (sysctl.how === 'raise' && current > sysctl.value)) continue;
      await writeFile(file, String(sysctl.value));
      logger.debug('Changed sysctl', { sysctl: sysctl.path, from: current, to: sysctl.value });
    } catch (err) {
      // Inside a network namespace some exist only on the host.
      const absent = err instanceof Error && 'code' in err && err.code === 'ENOENT';
      logger[absent ? 'debug' : 'warn']('Could not set sysctl', { sysctl: sysctl.path, value: sysctl.value, err });
    }
  }
}
