import type { NodeAgent, NodeAgentOptions } from './options.ts';

/** Starts the agent of one node. See `NodeAgentOptions`. */
export async function startNodeAgent(options: NodeAgentOptions): Promise<NodeAgent> {
  void options;
  return Promise.reject(new Error('the node agent is being written'));
}
