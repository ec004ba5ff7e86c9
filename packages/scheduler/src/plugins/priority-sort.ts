import type { QueueSortPlugin } from '../framework/plugin.ts';

/** Higher priority first; among equals, whoever came first. */
export const prioritySort: QueueSortPlugin = {
  name: 'PrioritySort',
  compare: (left, right) => right.priority - left.priority || left.queuedAtMs - right.queuedAtMs,
};
