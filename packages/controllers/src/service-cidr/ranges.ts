import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** Whether an address lies in a range in CIDR notation; false for what is neither. */
export function inRange(cidr: string, address: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  const family = isIPv4(network) ? 'ipv4' : isIPv6(network) ? 'ipv6' : undefined;
  const matches = family === 'ipv4' ? isIPv4(address) : isIPv6(address);
  if (family === undefined || !matches || !/^\d+$/.test(prefix)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), family);
  return list.check(address, family);
}
