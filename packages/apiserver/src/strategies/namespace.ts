import type { KubeObject, Namespace } from '@bayplan/api';
import type { Strategy } from '../registry/strategy.ts';

const kubernetesFinalizer = 'kubernetes';

/** Namespaces go only when their content is gone, which their own finalizers in `spec` stand for. */
export const namespaceStrategy: Strategy = {
  fields: (object) => ({ 'status.phase': (object as Namespace).status?.phase ?? '' }),
  prepareForCreate(object) {
    const namespace = object as Namespace;
    namespace.status = { phase: 'Active' };
    const finalizers = namespace.spec?.finalizers ?? [];
    namespace.spec = {
      ...namespace.spec,
      finalizers: finalizers.includes(kubernetesFinalizer) ? finalizers : [...finalizers, kubernetesFinalizer],
    };
    const labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name ?? '' };
    object.metadata.labels = labels;
  },
  prepareForUpdate(object, old, context) {
    const namespace = object as Namespace;
    const finalizing = context.info.isResource && context.info.subresource === 'finalize';
    if (!finalizing) namespace.spec = (old as Namespace).spec;
    object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name ?? '' };
  },
  isHeld: (object) => ((object as Namespace).spec?.finalizers ?? []).length > 0,
  whenTerminating(object: KubeObject) {
    (object as Namespace).status = { ...(object as Namespace).status, phase: 'Terminating' };
    return object;
  },
};
