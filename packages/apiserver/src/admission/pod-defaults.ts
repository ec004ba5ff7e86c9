import type { Pod, Toleration } from '@bayplan/api';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

const notReady = 'node.kubernetes.io/not-ready';
const unreachable = 'node.kubernetes.io/unreachable';
const tolerationSeconds = 300;

/** The pod that a request creates; undefined when it does not. */
export function newPod(request: AdmissionRequest): Pod | undefined {
  const { resource, operation, subresource } = request;
  return resource.group === '' && resource.resource === 'pods' && operation === 'CREATE' && subresource === ''
    ? (request.object as Pod)
    : undefined;
}

/** Pods outlast a node's absence by five minutes unless they say otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate(request) {
    const pod = newPod(request);
    if (pod?.spec === undefined) return;
    const tolerations: Toleration[] = [...(pod.spec.tolerations ?? [])];
    for (const key of [notReady, unreachable]) {
      const tolerated = tolerations.some((one) => (one.key === key || !one.key) && (one.effect === 'NoExecute' || !one.effect));
      if (!tolerated) tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds });
    }
    pod.spec.tolerations = tolerations;
  },
};
