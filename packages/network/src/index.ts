export { cleanupNetwork } from './cleanup.ts';
export type { CleanupOptions } from './cleanup.ts';
export { dnsService, publishDnsService } from './dns/dns-service.ts';
export { startNetwork } from './network.ts';
export type { Network, NetworkOptions, NetworkSettings } from './network-options.ts';
