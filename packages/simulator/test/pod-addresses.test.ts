import { expect, it } from 'vitest';
import { PodAddresses } from '../src/hollow/pod-addresses.ts';

it('hands out each address once until it is released', () => {
  // 8 addresses, of which .0, .1 and .15 are kept back.
  const addresses = new PodAddresses('10.1.2.8/29');
  addresses.adopt('10.1.2.11');
  expect(Array.from({ length: 5 }, () => addresses.take())).toEqual(['10.1.2.10', '10.1.2.12', '10.1.2.13', '10.1.2.14', undefined]);
  addresses.release('10.1.2.12');
  expect(addresses.take()).toBe('10.1.2.12');
});

it('refuses what is no IPv4 range', () => {
  for (const cidr of ['', '10.0.0.0', '10.0.0/8', 'fd00::/64', '10.0.0.256/24']) expect(() => new PodAddresses(cidr)).toThrow('IPv4');
});
