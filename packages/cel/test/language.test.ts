import { describe, expect, test } from 'vitest';
import { evaluated, table } from './expressions.ts';

describe('arithmetic', () => {
  test.each(
    table(`
      1 + 2 * 3 => 7
      (1 + 2) * 3 => 9
      7 / 2 => 3
      -7 / 2 => -3
      -7 % 3 => -1
      5u - 3u => 2
      0.5 + 0.25 => 0.75
      1.0 / 0.0 > 1.0e308 => true
      0xff => 255
      --5 => 5
      -9223372036854775808 < 0 => true
      9223372036854775807 + 1 => error: integer overflow
      -9223372036854775808 - 1 => error: integer overflow
      9223372036854775807 * 2 => error: integer overflow
      3u - 5u => error: unsigned integer overflow
      1 / 0 => error: division by zero
      1 % 0 => error: modulus by zero
      1 + 1u => invalid: found no matching overload for '_+_' applied to '(int, uint)'
      1 + 1.0 => invalid: found no matching overload for '_+_' applied to '(int, double)'
      9223372036854775808 => invalid: invalid int literal
      dyn(1) + dyn('a') => error: no such overload
    `),
  )('%s is %s', (expression, result) => {
    expect(evaluated(expression)).toBe(result);
  });
});

describe('comparison', () => {
  test.each(
    table(`
      1 < 2 => true
      1 < 1.5 => true
      2u >= 2 => true
      dyn(1) == dyn(1u) => true
      dyn(1) == dyn(1.0) => true
      dyn([1]) == dyn([1.0]) => true
      dyn({'a': 1}) == dyn({'a': 1u}) => true
      dyn(1) == dyn('1') => false
      1 == 1.0 => invalid: found no matching overload for '_==_' applied to '(int, double)'
      [1, 2] == [1, 2] => true
      [1, 2] == [2, 1] => false
      {'a': 1, 'b': 2} == {'b': 2, 'a': 1} => true
      'a' < 'b' => true
      'é' > 'z' => true
      '\\uffff' < '😀' => true
      b'abc' < b'abd' => true
      false < true => true
      double('nan') == double('nan') => false
      double('nan') < 1.0 => false
      dyn(9223372036854775807) == dyn(9223372036854775808.0) => true
      dyn(9223372036854775807) < 9223372036854775808.0 => false
      null == null => true
      timestamp('2024-01-01T00:00:00Z') < timestamp('2024-01-01T00:00:00.000000001Z') => true
      duration('60s') == duration('1m') => true
      type(1) == int => true
      type('a') == type('b') => true
      type(type(1)) == type => true
      type(optional.none()) == optional_type => true
      type([]) == list => true
      type({}) == map => true
    `),
  )('%s is %s', (expression, result) => {
    expect(evaluated(expression)).toBe(result);
  });
});

describe('logic absorbs errors from either side', () => {
  test.each(
    table(`
      true || 1 / 0 == 1 => true
      1 / 0 == 1 || true => true
      false && 1 / 0 == 1 => false
      1 / 0 == 1 && false => false
      1 / 0 == 1 && true => error: division by zero
      1 / 0 == 1 || false => error: division by zero
      !(1 / 0 == 1) => error: division by zero
      true ? 1 : 1 / 0 => 1
      false ? 1 / 0 : 2 => 2
      1 / 0 == 1 ? 1 : 2 => error: division by zero
      [0, 1].exists(x, 1 / x == 1) => true
      [0, 2].exists(x, 1 / x == 1) => error: division by zero
      [0, 1].all(x, 1 / x == 2) => false
      !!true => true
    `),
  )('%s is %s', (expression, result) => {
    expect(evaluated(expression)).toBe(result);
  });
});

describe('macros', () => {
  test.each(
    table(`
      [1, 2, 3].all(x, x > 0) => true
      [].all(x, x > 0) => true
      [1, 2, 3].exists(x, x == 2) => true
      [].exists(x, true) => false
      [1, 2, 2].exists_one(x, x == 1) => true
      [1, 2, 2].existsOne(x, x == 2) => false
      [1, 2, 3].map(x, x * 2) => [2,4,6]
      [1, 2, 3].map(x, x > 1, x * 2) => [4,6]
      [1, 2, 3].filter(x, x % 2 == 1) => [1,3]
      {'a': 1, 'b': 2}.all(k, k < 'c') => true
      {'a': 1, 'b': 2}.map(k, k) => ["a","b"]
      [[1, 2], [3]].map(l, l.map(x, x + 1)) => [[2,3],[4]]
      [1, 2].exists(i, v, i == 1 && v == 2) => true
      [1, 2].all(i, v, i < v) => true
      {'a': 1}.exists(k, v, k == 'a' && v == 1) => true
      {'a': 1, 'b': 2}.existsOne(k, v, v > 1) => true
      [1, 2, 3].transformList(i, v, i * v) => [0,2,6]
      [1, 2, 3].transformList(i, v, i > 0, v) => [2,3]
      {'a': 1}.transformMap(k, v, v + 1) => {"a":2}
      {'a': 1, 'b': 2}.transformMap(k, v, v > 1, v) => {"b":2}
      {'a': 'b'}.transformMapEntry(k, v, {v: k}) => {"b":"a"}
      {'a': 'c', 'b': 'c'}.transformMapEntry(k, v, {v: k}) => error: insert failed: key c already exists
      has({'a': 1}.a) => true
      has({'a': 1}.b) => false
      has({'a': null}.a) => true
      has(1) => invalid: invalid argument to has() macro
      [1].all(1, true) => invalid: argument must be a simple name
      [1].all(x, x, true) => invalid: duplicate variable name: x
      1.map(x, x) => invalid: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)
      [1].all(x, x) => invalid: found no matching overload for '_&&_' applied to '(bool, int)'
    `),
  )('%s is %s', (expression, result) => {
    expect(evaluated(expression)).toBe(result);
  });
});

describe('lists, maps and strings', () => {
  test.each(
    table(`
      [1, 2][1] => 2
      [1, 2][2] => error: index out of bounds: 2
      [1, 2][-1] => error: index out of bounds: -1
      {'a': 1}['a'] => 1
      {'a': 1}.a => 1
      {'a': 1}['b'] => error: no such key: b
      {1: 'x'}[1] => "x"
      {1: 'x'}[dyn(1u)] => "x"
      {true: 1}[true] => 1
      {'a': 1, 'a': 2} => error: Failed with repeated key
      [1, 'a'] => invalid: expected type 'int' but found 'string'
      {'a': 1, 'b': 'c'} => invalid: expected type 'int' but found 'string'
      [dyn(1), 'a'] => [1,"a"]
      1 in [1, 2] => true
      'a' in {'a': 1} => true
      3 in [1, 2] => false
      [1] + [2] => [1,2]
      size([1, 2]) => 2
      {'a': 1}.size() => 1
      size('héllo') => 5
      size('😀') => 1
      size(b'é') => 2
      'ab' + 'c' => "abc"
      'hello'.contains('ell') => true
      'hello'.startsWith('he') => true
      'hello'.endsWith('lo') => true
      'hello'.matches('^h.*o$') => true
      'hello'.matches('(') => invalid: invalid matches argument
      'hello'.matches(dyn('(')) => error: error parsing regexp: missing closing ): \`(\`
      'a'.matches('(?i)A') => true
      "it's" => "it's"
      'a\\tb' => "a\\tb"
      r'a\\tb' => "a\\\\tb"
      '\\u00e9' => "é"
      '\\x41\\101' => "AA"
      b'\\x00\\xff' => "AP8="
    `),
  )('%s is %s', (expression, result) => {
    expect(evaluated(expression)).toBe(result);
  });
});

describe('optional values', () => {
  test.each(
    table(`
      {'a': 1}.?a.orValue(2) => 1
      {'a': 1}.?b.orValue(2) => 2
      {'a': {'b': 1}}.?a.b.orValue(0) => 1
      {'a': {'b': 1}}.?x.b.orValue(0) => 0
      {'a': 1}[?'b'].hasValue() => false
      [1, 2][?5].orValue(9) => 9
      [1, 2][?1].value() => 2
      optional.none().value() => error: optional.none() dereference
      optional.of(1).optMap(x, x + 1).value() => 2
      optional.of(1).optFlatMap(x, optional.of(x + 1)).value() => 2
      optional.ofNonZeroValue('').hasValue() => false
      optional.of(1).or(optional.of(1 / 0)).value() => 1
      [1, ?optional.none(), ?optional.of(3)] => [1,3]
      {?'a': optional.none(), 'b': 1} => {"b":1}
      optional.unwrap([optional.of(1), optional.none()]) => [1]
      [optional.of(1)].unwrapOpt() => [1]
      has({'a': {'b': 1}}.?a.b) => true
      optional.of(1) == optional.of(1) => true
      [1, 2].first().value() => 1
      [1, 2].last().value() => 2
    `),
  )('%s is %s', (expression, result) => {
    expect(evaluated(expression)).toBe(result);
  });
});

describe('conversions and time', () => {
  test.each(
    table(`
      int('42') => 42
      int(3.9) => 3
      int(-3.9) => -3
      int('x') => error: strconv.ParseInt: parsing "x": invalid syntax
      uint(-1) => error: unsigned integer overflow
      double('1.5') => 1.5
      string(1.0) => "1"
      string(1.5e30) => "1.5e+30"
      string(0.00001) => "1e-05"
      string(true) => "true"
      string(b'abc') => "abc"
      string(b'\\xff') => error: invalid UTF-8 in bytes, cannot convert to string
      bytes('é') => "w6k="
      bool('true') => true
      bool('x') => error: strconv.ParseBool: parsing "x": invalid syntax
      string(timestamp('2024-02-29T12:00:00.5+02:00')) => "2024-02-29T10:00:00.5Z"
      timestamp('2023-02-29T00:00:00Z') => invalid: invalid timestamp argument
      duration('1') => invalid: invalid duration argument
      string(duration('1h30m')) => "5400s"
      string(duration('-1.5s')) => "-1.5s"
      duration('1h').getMinutes() => 60
      duration('1.5s').getMilliseconds() => 500
      timestamp('2024-01-01T00:00:00Z') + duration('24h') == timestamp('2024-01-02T00:00:00Z') => true
      timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z') == duration('24h') => true
      timestamp('9999-12-31T23:59:59Z') + duration('1s') => error: timestamp overflow
      timestamp('2024-03-10T12:34:56Z').getFullYear() => 2024
      timestamp('2024-03-10T12:34:56Z').getMonth() => 2
      timestamp('2024-03-10T12:34:56Z').getDate() => 10
      timestamp('2024-03-10T12:34:56Z').getDayOfMonth() => 9
      timestamp('2024-03-10T12:34:56Z').getDayOfYear() => 69
      timestamp('2024-03-10T12:34:56Z').getDayOfWeek() => 0
      timestamp('2024-03-10T12:34:56Z').getHours('America/New_York') => 8
      timestamp('2024-03-10T12:34:56Z').getHours('+05:30') => 18
      timestamp('2024-03-10T12:34:56Z').getHours('Nowhere/Land') => error: unknown time zone Nowhere/Land
      int(timestamp('1970-01-01T00:00:10Z')) => 10
      timestamp(10) == timestamp('1970-01-01T00:00:10Z') => true
    `),
  )('%s is %s', (expression, result) => {
    expect(evaluated(expression)).toBe(result);
  });
});

describe('expressions that do not compile say where', () => {
  test.each(
    table(`
      x => invalid: undeclared reference to 'x' (in container '')
      foo(1) => invalid: undeclared reference to 'foo' (in container '')
      'a'.startsWith(1) => invalid: found no matching overload for 'startsWith' applied to 'string.(int)'
      1.a => invalid: type 'int' does not support field selection
      Foo{a: 1} => invalid: undeclared reference to 'Foo' (in container '')
      namespace => invalid: reserved identifier: namespace
      1 + => invalid: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}
      (1 => invalid: Syntax error: mismatched input '<EOF>' expecting ')'
      1 2 => invalid: Syntax error: mismatched input '2' expecting <EOF>
    `),
  )('%s is %s', (expression, result) => {
    expect(evaluated(expression)).toBe(result);
  });
});
