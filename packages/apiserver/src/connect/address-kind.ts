import { BlockList, isIPv4, isIPv6 } from 'node:net';

export type AddressKind = 'loopback' | 'unspecified' | 'linkLocal' | 'multicast' | 'invalid' | 'ordinary';

/** RFC 6890's special ranges that matter to a proxy. */
const ranges: readonly (readonly [AddressKind, string, number, 'ipv4' | 'ipv6'])[] = [
  ['unspecified', '0.0.0.0', 8, 'ipv4'],
  ['loopback', '127.0.0.0', 8, 'ipv4'],
  ['linkLocal', '169.254.0.0', 16, 'ipv4'],
  ['multicast', '224.0.0.0', 4, 'ipv4'],
  ['unspecified', '::', 128, 'ipv6'],
  ['loopback', '::1', 128, 'ipv6'],
  ['linkLocal', 'fe80::', 10, 'ipv6'],
  ['multicast', 'ff00::', 8, 'ipv6'],
];
const lists = ranges.map(([kind, network, bits, family]) => {
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return { kind, family, list };
});

/** What an address is to the machine that connects to it. IPv4 within IPv6 counts as IPv4. */
export function kindOfAddress(text: string): AddressKind {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1] ?? text;
  const family = isIPv4(mapped) ? 'ipv4' : isIPv6(mapped) ? 'ipv6' : undefined;
  if (family === undefined) return 'invalid';
  return lists.find((entry) => entry.family === family && entry.list.check(mapped, family))?.kind ?? 'ordinary';
}
