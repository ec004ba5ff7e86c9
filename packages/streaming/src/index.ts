export { acceptPortForward, acceptRemoteCommand } from './accept.ts';
export { joinStreams, proxyUpgrade } from './proxy.ts';
export type { ProxyTarget } from './proxy.ts';
export type { CommandEnd, ForwardedConnection, PortForward, RemoteCommand, TerminalSize, WantedStreams } from './session.ts';
export { rejectUpgrade, UpgradeError } from './upgrade.ts';
