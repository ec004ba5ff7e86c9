import { describe, expect, it } from 'vitest';
import { cutIpv4 } from '../../src/node-ipam/ipv4-ranges.ts';

describe('a range cut into blocks', () => {
  const blocks = cutIpv4('10.128.0.0/10', 22);

  it('counts and names its blocks', () => {
    expect(blocks.count).toBe(4096);
    expect([blocks.cidrOf(0), blocks.cidrOf(1), blocks.cidrOf(4095)]).toEqual(['10.128.0.0/22', '10.128.4.0/22', '10.191.252.0/22']);
  });

  it('finds the index of its own blocks only', () => {
    expect(
      ['10.128.0.0/22', '10.191.252.0/22', '10.192.0.0/22', '10.128.1.0/22', '10.128.0.0/24', 'fd00::/64'].map((cidr) =>
        blocks.indexOf(cidr),
      ),
    ).toEqual([0, 4095, undefined, undefined, undefined, undefined]);
  });

  it('refuses what cannot be cut', () => {
    expect(() => cutIpv4('10.0.0.0/24', 22)).toThrow('cannot be cut');
    expect(() => cutIpv4('10.0.0.300/24', 26)).toThrow('not an IPv4 range');
  });
});

it('ranges of other sizes take the blocks that they lie in', () => {
  const blocks = cutIpv4('10.128.0.0/16', 24);
  expect(blocks.overlap('10.128.4.0/22')).toEqual({ first: 4, last: 7 });
  expect(blocks.overlap('10.128.4.128/25')).toEqual({ first: 4, last: 4 });
  expect(blocks.overlap('10.0.0.0/8')).toEqual({ first: 0, last: 255 });
  expect(blocks.overlap('10.129.0.0/24')).toBeUndefined();
  expect(() => blocks.overlap('2001:db8::/64')).toThrow('is not an IPv4 range');
});
