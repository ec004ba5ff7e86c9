export type { NetworkCommandResult, NetworkCommands, PodAttachment, PodNetwork } from './contract.ts';
export { createRoutedNetwork, hostLinkName } from './routed-network.ts';
export type { RoutedNetworkOptions } from './routed-network.ts';
