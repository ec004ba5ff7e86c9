import type { Registry } from '../registry/registry.ts';
import type { Strategy } from '../registry/strategy.ts';
import { policyStrategies } from '../admission/policy/policy-strategies.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { certificateSigningRequestStrategy } from './certificate-signing-request.ts';
import type { ClusterAddresses } from './cluster-addresses.ts';
import type { NodePorts } from './node-ports.ts';
import { serviceStrategy } from './service.ts';
import { daemonSetStrategy } from './daemon-set.ts';
import { deploymentStrategy } from './deployment.ts';
import { jobStrategy } from './job.ts';
import { namespaceStrategy } from './namespace.ts';
import { podStrategy } from './pod.ts';
import { secretStrategy } from './secret.ts';
import { eventFields, nodeFields, replicaFields, resourceSliceFields } from './fields.ts';

const counting: Strategy = { countsGeneration: true };

/** The strategy of every resource that has one, by `GROUP/RESOURCE`. */
export function createStrategies(
  authorizer: () => Authorizer,
  addresses: ClusterAddresses,
  nodePorts: NodePorts,
  registry: () => Registry,
): Map<string, Strategy> {
  return new Map<string, Strategy>([
    ['/namespaces', namespaceStrategy],
    ['/pods', podStrategy],
    ['certificates.k8s.io/certificatesigningrequests', certificateSigningRequestStrategy(authorizer)],
    ['/podtemplates', counting],
    ['resource.k8s.io/deviceclasses', counting],
    ['/nodes', { fields: nodeFields }],
    ['/secrets', secretStrategy],
    ['/events', { fields: eventFields }],
    ['events.k8s.io/events', { fields: eventFields }],
    ['/services', serviceStrategy(addresses, nodePorts)],
    ['/replicationcontrollers', { countsGeneration: true, fields: replicaFields, defaultPropagation: 'orphan' }],
    ['apps/deployments', deploymentStrategy],
    ['apps/replicasets', { countsGeneration: true, fields: replicaFields }],
    ['resource.k8s.io/resourceslices', { countsGeneration: true, fields: resourceSliceFields }],
    ['apps/statefulsets', counting],
    ['apps/daemonsets', daemonSetStrategy],
    ['batch/jobs', jobStrategy],
    ['batch/cronjobs', counting],
    ['policy/poddisruptionbudgets', counting],
    ['networking.k8s.io/ingresses', counting],
    ['networking.k8s.io/ingressclasses', counting],
    ['networking.k8s.io/networkpolicies', counting],
    ['scheduling.k8s.io/priorityclasses', counting],
    ['apiextensions.k8s.io/customresourcedefinitions', counting],
    ...policyStrategies(registry),
    ['flowcontrol.apiserver.k8s.io/flowschemas', counting],
    ['flowcontrol.apiserver.k8s.io/prioritylevelconfigurations', counting],
  ]);
}
