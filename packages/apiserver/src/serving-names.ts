import { hostname } from 'node:os';
import { parseAddress } from './ipv4.ts';
import type { Settings } from './settings.ts';

/** The names and addresses under which clients reach an API server: for its serving certificate. */
export function servingNames(settings: Settings, more: readonly string[]): { dnsNames: string[]; ipAddresses: string[] } {
  const isAddress = (name: string): boolean => parseAddress(name) !== undefined || name.includes(':');
  const dnsNames = [
    'localhost',
    hostname(),
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${settings.clusterDomain}`,
    ...more.filter((name) => !isAddress(name)),
  ];
  const ipAddresses = ['127.0.0.1', '::1', settings.apiServiceAddress, settings.advertiseAddress, ...more.filter(isAddress)];
  return { dnsNames: [...new Set(dnsNames)], ipAddresses: [...new Set(ipAddresses)] };
}
