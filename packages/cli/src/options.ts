import { InvalidArgumentError } from 'commander';
import { hostname, networkInterfaces } from 'node:os';
import { isIPv4 } from 'node:net';
import { UserError } from './user-error.ts';

/** Parsers of flags. Each throws commander's `InvalidArgumentError`, which exits with 2 and one line. */
export function portNumber(text: string): number {
  return wholeNumber(text, 1, 65_535);
}

export function count(text: string): number {
  return wholeNumber(text, 1, 100_000);
}

function wholeNumber(text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`);
  return value;
}

export function ipv4(text: string): string {
  if (!isIPv4(text)) throw new InvalidArgumentError('expected an IPv4 address.');
  return text;
}

export function ipv4Range(text: string): string {
  const [address, bits, ...rest] = text.split('/');
  if (address === undefined || !isIPv4(address) || rest.length > 0 || !/^\d+$/.test(bits ?? '') || Number(bits) > 30) {
    throw new InvalidArgumentError('expected an IPv4 range such as 10.96.0.0/12.');
  }
  return text;
}

export function urlList(text: string): readonly string[] {
  const urls = text.split(',').filter((part) => part !== '');
  for (const url of urls)
    if (!/^https?:\/\/[^/\s]+\/?$/.test(url)) throw new InvalidArgumentError(`${url} is not a URL such as https://10.0.0.1:6443.`);
  if (urls.length === 0) throw new InvalidArgumentError('expected at least one URL.');
  return urls.map((url) => url.replace(/\/$/, ''));
}

export function commaList(text: string): readonly string[] {
  return text.split(',').filter((part) => part !== '');
}

/** RFC 1123 subdomain, which node names must be. */
export function nodeName(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(text))
    throw new InvalidArgumentError('expected lower-case letters, digits, "-" and ".".');
  return text;
}

/** The host name made fit to be a node's name. */
export function defaultNodeName(): string {
  const name = hostname()
    .toLowerCase()
    .replace(/[^-a-z0-9.]/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
  return name === '' ? 'node' : name;
}

/** The first IPv4 address that is not on the loopback: pods reach the API server and the node there. */
export function hostAddress(flag: string): string {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const address of addresses ?? [])
      if (address.family === 'IPv4' && !address.internal && !address.address.startsWith('169.254.')) return address.address;
  }
  throw new UserError('this machine has no IPv4 address but the loopback', `give it one, or name one with ${flag}`);
}

/** The first usable address of a range such as `10.96.0.0/12`: the `kubernetes` Service. */
export function firstAddress(cidr: string): string {
  const octets = (cidr.split('/')[0] ?? '').split('.').map(Number);
  octets[3] = (octets[3] ?? 0) + 1;
  return octets.join('.');
}
