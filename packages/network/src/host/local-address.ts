import type { CommandShell } from './command-shell.ts';

/** Label of the address on `lo` that is ours, so that clean-up finds it whatever it is. */
export const addressLabel = 'lo:bayplan';

/**
 * Holds `address` on `lo`. Its scope is `host`, so that the kernel never picks it as a source address
 * for packets that leave the machine. Throws when `ip` fails for another reason than "is there already".
 */
export async function holdAddress(shell: CommandShell, address: string): Promise<void> {
  const { exitCode, output } = await shell.run([
    'ip',
    'address',
    'replace',
    `${address}/32`,
    'dev',
    'lo',
    'scope',
    'host',
    'label',
    addressLabel,
  ]);
  if (exitCode !== 0) throw new Error(`Could not put ${address} on lo: ${output.trim()}`);
}

/**
 * A process picks its source address by a route before translation happens, so Service addresses need
 * one even though nothing is ever sent along it. Machines with a default route have it; others get this.
 */
export async function ensureServiceRoute(shell: CommandShell, serviceCidr: string, nodeIp: string, protocol: string): Promise<void> {
  const probe = serviceCidr.split('/')[0] ?? serviceCidr;
  const known = await shell.run(['ip', '-4', 'route', 'get', probe]);
  if (known.exitCode === 0) return;
  const shown = await shell.run(['ip', '-4', '-o', 'address', 'show', 'to', `${nodeIp}/32`]);
  const device = /^\d+:\s+(\S+)/.exec(shown.output)?.[1];
  if (device === undefined) throw new Error(`No interface has the node address ${nodeIp}`);
  const { exitCode, output } = await shell.run([
    'ip',
    'route',
    'replace',
    serviceCidr,
    'dev',
    device,
    'src',
    nodeIp,
    'scope',
    'link',
    'proto',
    protocol,
  ]);
  if (exitCode !== 0) throw new Error(`Could not add a route for Services: ${output.trim()}`);
}
