import type { KubeObject } from '@bayplan/api';
import type { Strategy } from '../registry/strategy.ts';

const revision = 'deployment.kubernetes.io/revision';

/** Annotations are for the ReplicaSets too, so they count, all but the one that the controller writes. */
export const deploymentStrategy: Strategy = {
  countsGeneration: true,
  alsoCounts: ({ metadata }: KubeObject) => ({ ...metadata.annotations, [revision]: undefined }),
};
