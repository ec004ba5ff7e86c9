import { describe, expect, it } from 'vitest';
import {
  cidrFaults,
  configMapKeyFaults,
  dns1123LabelFaults,
  dns1123SubdomainFaults,
  ipFamily,
  labelValueFaults,
  portNameFaults,
  qualifiedNameFaults,
} from '../src/index.ts';

describe('names', () => {
  it('explains what is wrong in the words of Kubernetes', () => {
    expect(dns1123LabelFaults('A_b')).toEqual([
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ]);
    expect(dns1123LabelFaults('a'.repeat(64))).toEqual(['must be no more than 63 bytes']);
    expect(qualifiedNameFaults('example.com/')).toContain('name part must be non-empty');
    expect(qualifiedNameFaults('/a')).toContain('prefix part must be non-empty');
  });

  it.each([
    [dns1123LabelFaults, ['a', 'a-b', '0a'], ['', '-a', 'a-', 'a.b', 'A']],
    [dns1123SubdomainFaults, ['a.b', 'a'], ['a..b', '.a', 'a.']],
    [qualifiedNameFaults, ['a', 'A.b_c', 'x.io/Y'], ['a/b/c', '', 'x/']],
    [labelValueFaults, ['', 'a', 'A_b.c'], ['-', 'a b', 'a-']],
    [portNameFaults, ['http', 'a1'], ['1', 'a--b', '-a', 'sixteencharacter']],
    [configMapKeyFaults, ['.a', 'a.b'], ['..', '.', '..a', 'a/b']],
    [cidrFaults, ['10.0.0.0/8', '2001:db8::/32'], ['10.0.0.0', '10.0.0.0/33', 'x/1']],
  ] as const)('accepts and refuses by %O', (syntax, good, bad) => {
    for (const value of good) expect(syntax(value), value).toEqual([]);
    for (const value of bad) expect(syntax(value), value).not.toEqual([]);
  });

  it('tells address families', () => {
    for (const ip of ['1.2.3.4', '255.255.255.255']) expect(ipFamily(ip)).toBe(4);
    for (const ip of ['::', '::1', '2001:db8::1', '1:2:3:4:5:6:7:8', '::ffff:1.2.3.4']) expect(ipFamily(ip)).toBe(6);
    for (const ip of ['', '1.2.3', '1.2.3.256', '01.2.3.4', ':::', '1::2::3', 'g::']) expect(ipFamily(ip)).toBeUndefined();
  });
});
