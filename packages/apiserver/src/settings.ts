import { networkInterfaces } from 'node:os';
import type { ApiServerOptions } from './api-server.ts';
import { firstAddress } from './ipv4.ts';

/** The options with their defaults, and what follows from them. */
export interface Settings {
  readonly advertiseAddress: string;
  readonly serviceCidr: string;
  /** The address of the `kubernetes` Service. */
  readonly apiServiceAddress: string;
  readonly clusterDomain: string;
  /** Of ServiceAccount tokens, and their default audience. */
  readonly issuer: string;
  /** Where the issuer's keys are; undefined for this server's own address. */
  readonly jwksUri: string | undefined;
  /** What tokens must be meant for to be good here. */
  readonly apiAudiences: readonly string[];
}

export function settingsOf(options: ApiServerOptions): Settings {
  const serviceCidr = options.serviceCidr ?? '10.96.0.0/12';
  const clusterDomain = options.clusterDomain ?? 'cluster.local';
  const accounts = options.authentication?.serviceAccounts;
  const issuer = accounts?.issuer ?? `https://kubernetes.default.svc.${clusterDomain}`;
  return {
    advertiseAddress: options.advertiseAddress ?? globalAddress(),
    serviceCidr,
    apiServiceAddress: firstAddress(serviceCidr),
    clusterDomain,
    issuer,
    jwksUri: accounts?.jwksUri,
    apiAudiences: options.authentication?.apiAudiences ?? [issuer],
  };
}

/** The first IPv4 address of the host that others can reach; the loopback when there is none. */
function globalAddress(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    const found = addresses?.find((address) => address.family === 'IPv4' && !address.internal && !address.address.startsWith('169.254.'));
    if (found !== undefined) return found.address;
  }
  return '127.0.0.1';
}
