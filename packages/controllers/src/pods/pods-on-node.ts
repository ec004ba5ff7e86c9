import type { Pod } from '@bayplan/api';
import type { Informer } from '@bayplan/client';

const nodeIndex = 'node';

function nodeOfPod(pod: Pod): readonly string[] {
  return pod.spec?.nodeName ? [pod.spec.nodeName] : [];
}

/** Makes a pod informer answer `podsOnNode`. May be called again. */
export function indexByNode(pods: Informer<Pod>): Informer<Pod> {
  pods.addIndexers({ [nodeIndex]: nodeOfPod });
  return pods;
}

/** The cached pods that are bound to a node. */
export function podsOnNode(pods: Informer<Pod>, nodeName: string): readonly Pod[] {
  return pods.lister.byIndex(nodeIndex, nodeName);
}
