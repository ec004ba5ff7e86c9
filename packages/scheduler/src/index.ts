export { ClusterCache } from './cache/cluster-cache.ts';
export { clusterEvents } from './framework/plugin.ts';
export type {
  FilterPlugin,
  Plugin,
  PreEnqueuePlugin,
  Profile,
  QueueSortPlugin,
  Rejection,
  ScorePlugin,
  WeightedScore,
} from './framework/plugin.ts';
export type { PodShape } from './framework/pod-shape.ts';
export type { Snapshot } from './framework/snapshot.ts';
export { PlacementCore } from './placement-core.ts';
export type { Decision } from './placement-core.ts';
export { defaultProfile } from './plugins/default-profile.ts';
export { startScheduler } from './scheduler.ts';
export type { Scheduler, SchedulerOptions } from './scheduler.ts';
