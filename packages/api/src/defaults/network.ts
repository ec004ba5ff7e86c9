import type { EndpointSlice, IngressClass, NetworkPolicy } from '../generated/types.ts';

export function defaultEndpointSlice(slice: EndpointSlice): void {
  for (const port of slice.ports ?? []) {
    port.name ??= '';
    port.protocol ??= 'TCP';
  }
}

export function defaultIngressClass(ingressClass: IngressClass): void {
  if (ingressClass.spec?.parameters) ingressClass.spec.parameters.scope ??= 'Cluster';
}

/** A policy always speaks about ingress; about egress when it has egress rules. */
export function defaultNetworkPolicy({ spec }: NetworkPolicy): void {
  if (!spec) return;
  for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) for (const port of rule.ports ?? []) port.protocol ??= 'TCP';
  if ((spec.policyTypes ?? []).length === 0) spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}
