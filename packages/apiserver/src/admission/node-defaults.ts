import type { Binding, Node, Pod } from '@bayplan/api';
import type { Registry } from '../registry/registry.ts';
import type { AdmissionPlugin } from './admission.ts';

const notReady = 'node.kubernetes.io/not-ready';
const topologyLabels = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

/** A new node takes no pods until it has been seen to be ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  mutate({ resource, operation, subresource, object }) {
    if (resource.group !== '' || resource.resource !== 'nodes' || operation !== 'CREATE' || subresource !== '') return;
    const node = object as Node;
    const taints = node.spec?.taints ?? [];
    if (taints.some((taint) => taint.key === notReady && taint.effect === 'NoSchedule')) return;
    node.spec = { ...node.spec, taints: [...taints, { key: notReady, effect: 'NoSchedule' }] };
  },
};

/** Pods learn the zone and region of their node by labels. */
export function podTopologyLabels(registry: Registry): AdmissionPlugin {
  return {
    name: 'PodTopologyLabels',
    async mutate({ resource, operation, subresource, object }) {
      if (resource.group !== '' || resource.resource !== 'pods' || operation !== 'CREATE') return;
      const nodeName =
        subresource === 'binding' ? (object as unknown as Binding).target.name : subresource === '' ? (object as Pod).spec?.nodeName : '';
      if (!nodeName || object === undefined) return;
      const { cache } = registry.stored('', 'v1', 'nodes').storage;
      await cache.start();
      const labels = cache.get('', nodeName)?.labels ?? {};
      const shown = Object.entries(labels).filter(([name]) => topologyLabels.includes(name));
      if (shown.length > 0) object.metadata.labels = { ...object.metadata.labels, ...Object.fromEntries(shown) };
    },
  };
}
