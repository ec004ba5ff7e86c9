import type { Ingress } from '@bayplan/api';
import type { Registry } from '../registry/registry.ts';
import type { AdmissionPlugin } from './admission.ts';
import { defaultClassOf } from './default-class.ts';

const defaultClass = 'ingressclass.kubernetes.io/is-default-class';
const oldAnnotation = 'kubernetes.io/ingress.class';

/** Ingresses that name no class get the default one. */
export function defaultIngressClass(registry: Registry): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    async mutate({ resource, operation, subresource, object }) {
      if (resource.group !== 'networking.k8s.io' || resource.resource !== 'ingresses') return;
      if (operation !== 'CREATE' || subresource !== '') return;
      const ingress = object as Ingress;
      if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.[oldAnnotation] !== undefined) return;
      const found = await defaultClassOf(registry, 'networking.k8s.io', 'ingressclasses', defaultClass);
      if (found !== undefined) ingress.spec = { ...ingress.spec, ingressClassName: found };
    },
  };
}
