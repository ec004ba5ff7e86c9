export { ClusterCache } from './cache/cluster-cache.ts';
export { fits, sharesDevice, take, wholeDevices } from './density/device-node.ts';
export type { DeviceNode } from './density/device-node.ts';
export { DevicePacking } from './density/device-packing.ts';
export type { DevicePlacement } from './density/device-packing.ts';
export { ShapeMix } from './density/shape-mix.ts';
export type { ArrivingShape, DeviceShape } from './density/shape-mix.ts';
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
