import type { PreEnqueuePlugin } from '../framework/plugin.ts';

/** Holds pods back until every gate was removed from their spec. */
export const schedulingGates: PreEnqueuePlugin = {
  name: 'SchedulingGates',
  preEnqueue: (pod) => ((pod.spec?.schedulingGates ?? []).length > 0 ? 'hold' : 'admit'),
};
