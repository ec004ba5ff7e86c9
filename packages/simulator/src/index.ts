export type { HollowNodeShape } from './hollow/hollow-node.ts';
export { hollowLabel } from './hollow/hollow-node.ts';
export { annotations as hollowPodAnnotations } from './hollow/pod-behaviour.ts';
export { startHollowNodes } from './hollow/start-hollow-nodes.ts';
export type { HollowNodes, HollowNodesOptions } from './hollow/start-hollow-nodes.ts';
