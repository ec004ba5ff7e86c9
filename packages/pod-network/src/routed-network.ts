import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { AddressPool } from './address-pool.ts';
import type { NetworkCommands, PodAttachment, PodNetwork } from './contract.ts';
import { parseIpv4 } from './ipv4.ts';

/** The pods' default gateway: answered by no one, resolved by a permanent neighbour entry. */
const gateway = '169.254.1.1';
/** Every host end has this address: each link is a network of its own. */
const hostMac = 'ee:ee:ee:ee:ee:ee';
const linkName = /^bp[0-9a-f]{12}$/;

export interface RoutedNetworkOptions {
  /** Private folder for the assigned addresses. */
  readonly stateFolder: string;
  readonly commands: NetworkCommands;
  readonly podCidr?: string;
  /** Root of kernel parameters. Default `/proc/sys`. */
  readonly sysctlFolder?: string;
  /** Where links are listed. Default `/sys/class/net`. */
  readonly linksFolder?: string;
}

/** The name of a sandbox's link on the host: at most 15 characters, as the kernel requires. */
export function hostLinkName(sandboxId: string): string {
  return `bp${createHash('sha256').update(sandboxId).digest('hex').slice(0, 12)}`;
}

/**
 * The built-in network: each pod has a veth pair and a /32 route, no bridge. Packets leave the pod
 * to a link-local gateway; the host routes them. Two `ip -batch` commands make a pod's network.
 */
export async function createRoutedNetwork(options: RoutedNetworkOptions): Promise<PodNetwork> {
  const { commands } = options;
  const pool = new AddressPool(options.stateFolder);
  await pool.load();
  let configured = options.podCidr !== undefined;
  if (options.podCidr !== undefined) pool.use(options.podCidr);
  const linksFolder = options.linksFolder ?? '/sys/class/net';

  const removeLink = async (name: string): Promise<void> => {
    // Removing one end removes the pair, its addresses and its routes.
    const { exitCode, stderr } = await commands.run('ip', ['link', 'delete', name]);
    const message = Buffer.from(stderr).toString();
    if (exitCode !== 0 && !message.includes('Cannot find device')) throw new Error(`Cannot remove link ${name}: ${message.trim()}`);
  };
  const batch = async (what: string, enter: readonly string[], lines: readonly string[], signal?: AbortSignal): Promise<void> => {
    const [command = 'ip', ...args] = [...enter, 'ip', '-batch', '-'];
    const result = await commands.run(command, args, { stdin: `${lines.join('\n')}\n`, ...(signal ? { signal } : {}) });
    if (result.exitCode !== 0) throw new Error(`Cannot ${what}: ${Buffer.from(result.stderr).toString().trim()}`);
  };

  const network: PodNetwork = {
    prepare: () => prepareHost(options.sysctlFolder ?? '/proc/sys'),
    async configure(podCidr) {
      pool.use(podCidr);
      configured = true;
    },
    notReadyReason: () => (configured ? undefined : 'The node has no range of pod addresses yet'),
    async setup(pod: PodAttachment, signal) {
      const known = pool.addressOf(pod.sandboxId);
      const name = hostLinkName(pod.sandboxId);
      if (known !== undefined && (await readdir(linksFolder)).includes(name)) return { ips: [known] };
      const ip = await pool.assign(pod.sandboxId);
      try {
        const mac = podMac(ip);
        await batch('make the link of a pod', [], hostLines(name, ip, mac, pod.netnsPath), signal);
        await batch('set up the network of a pod', ['nsenter', `--net=${pod.netnsPath}`], podLines(ip), signal);
      } catch (error) {
        await network.teardown(pod.sandboxId);
        throw error;
      }
      return { ips: [ip] };
    },
    async teardown(sandboxId) {
      const name = hostLinkName(sandboxId);
      if ((await readdir(linksFolder)).includes(name)) await removeLink(name);
      await pool.release(sandboxId);
    },
    async retain(sandboxIds) {
      const kept = new Set([...sandboxIds].map(hostLinkName));
      const owned = new Set(pool.owners.map(hostLinkName));
      for (const owner of pool.owners) if (!sandboxIds.has(owner)) await network.teardown(owner);
      // A link without an owner of ours may belong to another cluster on this machine: leave it.
      for (const name of await readdir(linksFolder)) if (linkName.test(name) && owned.has(name) && !kept.has(name)) await removeLink(name);
    },
  };
  return network;
}

/** Locally administered, unique within the cluster because the address is. */
function podMac(ip: string): string {
  const hex = parseIpv4(ip).toString(16).padStart(8, '0');
  return `0a:58:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}:${hex.slice(6, 8)}`;
}

function hostLines(name: string, ip: string, mac: string, netnsPath: string): string[] {
  return [
    `link add ${name} address ${hostMac} type veth peer name eth0 address ${mac} netns ${netnsPath}`,
    `link set ${name} up`,
    `route replace ${ip}/32 dev ${name} scope link`,
    `neigh replace ${ip} lladdr ${mac} dev ${name} nud permanent`,
  ];
}

function podLines(ip: string): string[] {
  return [
    'link set lo up',
    `addr add ${ip}/32 dev eth0`,
    'link set eth0 up',
    `neigh replace ${gateway} lladdr ${hostMac} dev eth0 nud permanent`,
    `route add ${gateway} dev eth0 scope link`,
    `route add default via ${gateway} dev eth0`,
  ];
}

/** Forwarding on; no redirects: a pod that reaches another through the host must keep doing so. */
async function prepareHost(sysctlFolder: string): Promise<void> {
  for (const [name, value] of [
    ['net/ipv4/ip_forward', '1'],
    ['net/ipv4/conf/all/send_redirects', '0'],
    ['net/ipv4/conf/default/send_redirects', '0'],
  ] as const) {
    await writeFile(`${sysctlFolder}/${name}`, value);
  }
}
