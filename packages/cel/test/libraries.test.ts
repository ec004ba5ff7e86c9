import { describe, expect, test } from 'vitest';
import { evaluated, table } from './expressions.ts';

describe('strings', () => {
  test.each(
    table(`
      'tacocat'.charAt(3) => "o"
      'tacocat'.charAt(7) => ""
      'tacocat'.charAt(8) => error: index out of range: 8
      '😀a'.charAt(1) => "a"
      'hello mellow'.indexOf('ello', 2) => 7
      'hello mellow'.indexOf('jello') => -1
      '😀a'.indexOf('a') => 1
      'a'.indexOf('') => 0
      'hello mellow'.lastIndexOf('ello') => 7
      'hello mellow'.lastIndexOf('ello', 6) => 1
      'hello mellow'.indexOf('e', -1) => error: index out of range: -1
      ['a', 'b'].join() => "ab"
      ['a', 'b'].join('-') => "a-b"
      'TacoÉ'.lowerAscii() => "tacoÉ"
      'Tacoé'.upperAscii() => "TACOé"
      'hello hello'.replace('he', 'we') => "wello wello"
      'hello hello'.replace('he', 'we', 1) => "wello hello"
      'hello hello'.replace('he', 'we', 0) => "hello hello"
      'ab'.replace('', '_') => "_a_b_"
      'ab'.replace('', '_', 2) => "_a_b"
      'a b c'.split(' ') => ["a","b","c"]
      'a b c'.split(' ', 2) => ["a","b c"]
      'a b c'.split(' ', 0) => []
      'abc'.split('') => ["a","b","c"]
      'tacocat'.substring(4) => "cat"
      'tacocat'.substring(0, 4) => "taco"
      'tacocat'.substring(5, 4) => error: invalid substring range. start: 5, end: 4
      '😀ab'.substring(1, 2) => "a"
      ' \\ttrim\\n '.trim() => "trim"
      strings.quote('a"b\\n') => "\\"a\\\\\\"b\\\\n\\""
      'no args'.format([]) => "no args"
      '%d %s %f %s %s'.format([1, 'abc', 1.0, duration('1m'), timestamp('2000-01-01T00:00:00.000Z')]) => "1 abc 1.000000 60s 2000-01-01T00:00:00Z"
      '%e'.format([3.14]) => "3.140000×10⁰⁰"
      '%.2e'.format([1052.032911275]) => "1.05×10⁰³"
      '%o %o %o'.format([7, 8, 9]) => "7 10 11"
      '%b %b'.format([7, true]) => "111 1"
      '%x %X %x'.format([30, 30, 'hi']) => "1e 1E 6869"
      '%.0f %.0f %.0f'.format([0.5, 1.5, 2.5]) => "0 2 2"
      '%.3f'.format([1234567.875]) => "1,234,567.875"
      '%s'.format([['a', 1.5, null]]) => "[\\"a\\", 1.500000, null]"
      '%s'.format([[dyn('a'), 1.5, null]]) => "[\\"a\\", 1.500000, null]"
      '%s'.format([{'b': 1, 'a': 2}]) => "{\\"a\\":2, \\"b\\":1}"
      '100%%'.format([]) => "100%"
      '%d'.format(['a']) => error: error during formatting: decimal clause can only be used on integers, was given string
      '%d %d'.format([1]) => error: index 1 out of range
      jsonpatch.escapeKey('k8s.io/a~b') => "k8s.io~1a~0b"
    `),
  )('%s is %s', (expression, result) => {
    expect(evaluated(expression)).toBe(result);
  });
});

describe('lists and sets', () => {
  test.each(
    table(`
      [1, 2, 3].isSorted() => true
      ['b', 'a'].isSorted() => false
      [].isSorted() => true
      [1, 2, 3].sum() => 6
      [1.5, 2.0].sum() => 3.5
      [duration('1m'), duration('1s')].sum() == duration('61s') => true
      [9223372036854775807, 1].sum() => error: integer overflow
      [1, 3, 2].max() => 3
      ['b', 'a'].min() => "a"
      [].map(x, int(x)).min() => error: min called on empty list
      [1, 2, 2].indexOf(2) => 1
      [1, 2, 2].lastIndexOf(2) => 2
      [1].indexOf(5) => -1
      [1, 2, 3, 4].slice(1, 3) => [2,3]
      [1].slice(0, 2) => error: cannot slice(0, 2), list is length 1
      [[1], [2, 3]].flatten() => [1,2,3]
      [dyn(1), [dyn(2), [3]]].flatten(2) => [1,2,3]
      [3, 1, 2].sort() => [1,2,3]
      ['b', 'a'].sort() => ["a","b"]
      ['aaa', 'b', 'cc'].sortBy(x, size(x)) => ["b","cc","aaa"]
      lists.range(4) => [0,1,2,3]
      [1, 2].reverse() => [2,1]
      [1, 2, 1].distinct() => [1,2]
      sets.contains([1, 2], [2]) => true
      sets.contains([1], [1, 2]) => false
      sets.equivalent([1, 2], [2, 1, 1]) => true
      sets.intersects([1], [2, 1]) => true
      'abc 123'.find('[0-9]+') => "123"
      'abc'.find('[0-9]+') => ""
      'a1b22'.findAll('[0-9]+') => ["1","22"]
      'a1b22c3'.findAll('[0-9]+', 2) => ["1","22"]
      'a'.find(dyn('(')) => error: Illegal regex: error parsing regexp: missing closing ): \`(\`
    `),
  )('%s is %s', (expression, result) => {
    expect(evaluated(expression)).toBe(result);
  });
});

describe("Kubernetes' own types", () => {
  test.each(
    table(`
      quantity('500000G').isInteger() => true
      quantity('50k').asInteger() => 50000
      quantity('1.5').asInteger() => error: cannot convert value to integer
      quantity('50k') == quantity('50000') => true
      quantity('200M').isGreaterThan(quantity('100M')) => true
      quantity('1Mi').compareTo(quantity('1M')) => 1
      quantity('1.5').asApproximateFloat() => 1.5
      quantity('50k').add(quantity('20k')) == quantity('70k') => true
      quantity('50k').sub(20) == quantity('49980') => true
      sign(quantity('-1')) => -1
      isQuantity('1.3Gi') => true
      isQuantity('1.3 Gi') => false
      semver('1.2.3').isLessThan(semver('1.10.0')) => true
      semver('1.0.0-alpha').isLessThan(semver('1.0.0')) => true
      semver('1.0.0-alpha.2').compareTo(semver('1.0.0-alpha.10')) => -1
      semver('v1.2', true).minor() => 2
      isSemver('v1.2.3') => false
      isSemver('v1.2.3', true) => true
      isSemver('01.2.3') => false
      ip('192.168.0.1').family() => 4
      ip('::1').isLoopback() => true
      ip.isCanonical('2001:DB8::ABCD') => false
      ip.isCanonical('2001:db8::abcd') => true
      ip('2001:db8::abcd') == ip('2001:DB8::ABCD') => true
      isIP('::ffff:1.2.3.4') => false
      ip('::ffff:1.2.3.4') => error: IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed
      isIP('1.2.3') => false
      ip('169.254.169.254').isLinkLocalUnicast() => true
      ip('224.0.0.1').isLinkLocalMulticast() => true
      ip('8.8.8.8').isGlobalUnicast() => true
      string(ip('0:0::1')) => "::1"
      cidr('192.168.0.0/24').containsIP('192.168.0.7') => true
      cidr('192.168.0.0/24').containsIP(ip('192.168.1.7')) => false
      cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24') => true
      cidr('192.168.0.0/24').containsCIDR(cidr('192.168.0.0/16')) => false
      cidr('192.168.1.5/24').masked() == cidr('192.168.1.0/24') => true
      cidr('10.0.0.0/8').prefixLength() => 8
      string(cidr('::1/128')) => "::1/128"
      isCIDR('10.0.0.0/33') => false
      url('https://example.com:80/a b?k=v&k=w').getHost() => "example.com:80"
      url('https://example.com:80/').getPort() => "80"
      url('https://[::1]:80/').getHostname() => "::1"
      url('https://example.com/with space/').getEscapedPath() => "/with%20space/"
      url('https://example.com/?k=v&k=w').getQuery() => {"k":["v","w"]}
      url('https://example.com').getScheme() => "https"
      isURL('/absolute/path') => true
      isURL('../relative') => false
      isURL('https://a:b:c/') => false
      format.dns1123Label().validate('my-label') => null
      format.dns1123Label().validate('My').hasValue() => true
      format.dns1123LabelPrefix().validate('my-label-').hasValue() => false
      format.named('uuid').value().validate('x').value() => ["does not match the UUID format"]
      format.named('nope').hasValue() => false
      format.uri().validate('https://x.y').hasValue() => false
      format.date().validate('2024-02-30').hasValue() => true
      format.qualifiedName().validate('a/b').hasValue() => false
    `),
  )('%s is %s', (expression, result) => {
    expect(evaluated(expression)).toBe(result);
  });
});
