import { expect, test } from 'vitest';
import { commaList, count, firstAddress, ipv4, ipv4Range, nodeName, portNumber, urlList } from '../src/options.ts';

test.each([
  [portNumber, '6443', 6443],
  [count, '1', 1],
  [ipv4, '10.0.0.1', '10.0.0.1'],
  [ipv4Range, '10.96.0.0/12', '10.96.0.0/12'],
  [nodeName, 'node-1.example', 'node-1.example'],
])('%o accepts %s', (parse: (text: string) => unknown, text, value) => {
  expect(parse(text)).toBe(value);
});

test.each([
  [portNumber, '0'],
  [portNumber, '65536'],
  [portNumber, '1e3'],
  [count, '-1'],
  [ipv4, '10.0.0.256'],
  [ipv4, '::1'],
  [ipv4Range, '10.96.0.0'],
  [ipv4Range, '10.96.0.0/33'],
  [ipv4Range, '10.96.0.0/12/1'],
  [nodeName, 'Node'],
  [nodeName, '-a'],
])('%o refuses %s', (parse: (text: string) => unknown, text) => {
  expect(() => parse(text)).toThrow(/expected/);
});

test('lists are split and checked', () => {
  expect(urlList('https://a:1/,http://b')).toEqual(['https://a:1', 'http://b']);
  expect(() => urlList('a:1')).toThrow(/not a URL/);
  expect(() => urlList(',')).toThrow(/at least one/);
  expect(commaList('a,,b')).toEqual(['a', 'b']);
});

test('the first address of a range is the one after its base', () => {
  expect(firstAddress('10.96.0.0/12')).toBe('10.96.0.1');
});
