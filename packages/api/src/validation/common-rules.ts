import { dns1123LabelFaults } from '../names.ts';
import * as configuration from './cluster/configuration.ts';
import * as nodes from './cluster/node.ts';
import { validateEvent } from './cluster/event.ts';
import { validateLease } from './cluster/policies.ts';
import type { RuleTable } from './kind-rules.ts';
import * as endpoints from './network/endpoints.ts';
import * as services from './network/service.ts';
import * as pods from './pods/pod.ts';
import { validatePodResize } from './pods/pod-resize.ts';
import { validatePodStatus } from './pods/pod-status.ts';
import { validateEphemeralUpdate, validatePodUpdate } from './pods/pod-update.ts';
import * as owners from './workloads/pod-owners.ts';
import * as statuses from './workloads/workload-status.ts';

/** Kinds that every cluster writes all the time. The others are loaded when the first object of them comes. */
export const commonRules: RuleTable = {
  '/Pod': {
    create: pods.validatePodCreate,
    update: validatePodUpdate,
    status: validatePodStatus,
    through: { ephemeralcontainers: validateEphemeralUpdate, resize: validatePodResize },
  },
  '/Service': {
    create: services.validateServiceCreate,
    update: services.validateServiceUpdate,
    status: services.validateServiceStatus,
    nameSyntax: dns1123LabelFaults,
  },
  '/Endpoints': { create: endpoints.validateEndpoints, update: endpoints.validateEndpointsUpdate },
  '/ConfigMap': { always: configuration.validateConfigMap, update: configuration.validateConfigMapUpdate },
  '/Secret': { always: configuration.validateSecret, update: configuration.validateSecretUpdate },
  '/Namespace': {
    create: nodes.validateNamespace,
    status: nodes.validateNamespaceStatus,
    nameSyntax: dns1123LabelFaults,
    through: { finalize: finalizers },
  },
  '/Node': { create: nodes.validateNode, update: nodes.validateNodeUpdate, status: nodes.validateNodeUpdate },
  '/Event': { always: validateEvent },
  'apps/Deployment': {
    create: owners.validateDeployment,
    update: owners.validateDeploymentUpdate,
    status: statuses.validateDeploymentStatus,
  },
  'apps/ReplicaSet': { create: owners.validateReplicaSet, update: owners.validateReplicaSetUpdate, status: statuses.validateReplicaStatus },
  'coordination.k8s.io/Lease': { always: validateLease },
  'discovery.k8s.io/EndpointSlice': { create: endpoints.validateEndpointSlice, update: endpoints.validateEndpointSliceUpdate },
};

function finalizers(next: never, _old: never, faults: Parameters<typeof nodes.validateNamespace>[1]): void {
  nodes.validateNamespace(next, faults);
}
