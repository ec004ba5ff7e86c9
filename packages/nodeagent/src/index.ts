export { startNodeAgent } from './node-agent.ts';
export type { HostCommandResult, HostCommands, NodeAgent, NodeAgentOptions, NodeApiCertificates } from './options.ts';
export { removeEverything } from './remove-everything.ts';
export type { RemoveEverythingOptions } from './remove-everything.ts';
