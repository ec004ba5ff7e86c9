export { startNodeAgent } from './node-agent.ts';
export type { HostCommandResult, HostCommands, NodeAgent, NodeAgentOptions, NodeApiCertificates } from './options.ts';
