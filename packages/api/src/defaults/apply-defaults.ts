import type { FeatureGates } from '../features/gates.ts';
import { schemaFor } from '../schema/builtin.ts';
import * as apps from './apps.ts';
import * as autoscaling from './autoscaling.ts';
import * as batch from './batch.ts';
import * as core from './core.ts';
import * as extension from './extension.ts';
import * as network from './network.ts';
import { defaultPod, defaultPodTemplate } from './pod.ts';
import * as policy from './policy.ts';
import * as rbac from './rbac.ts';
import { applySchemaDefaults } from './schema-defaults.ts';
import * as storage from './storage.ts';

type Defaulter = (object: never, gates: FeatureGates) => void;

/** What the schema cannot say, by `group/version/kind`. */
const defaulters: Readonly<Record<string, Defaulter>> = {
  '/v1/Pod': defaultPod,
  '/v1/PodTemplate': defaultPodTemplate,
  '/v1/Service': core.defaultService,
  '/v1/Endpoints': core.defaultEndpoints,
  '/v1/Secret': core.defaultSecret,
  '/v1/Namespace': core.defaultNamespace,
  '/v1/Node': core.defaultNode,
  '/v1/PersistentVolume': core.defaultPersistentVolume,
  '/v1/PersistentVolumeClaim': core.defaultPersistentVolumeClaim,
  '/v1/LimitRange': core.defaultLimitRange,
  '/v1/ResourceQuota': core.defaultResourceQuota,
  '/v1/ReplicationController': core.defaultReplicationController,
  'apps/v1/Deployment': apps.defaultDeployment,
  'apps/v1/ReplicaSet': apps.defaultReplicaSet,
  'apps/v1/DaemonSet': apps.defaultDaemonSet,
  'apps/v1/StatefulSet': apps.defaultStatefulSet,
  'batch/v1/Job': batch.defaultJob,
  'batch/v1/CronJob': batch.defaultCronJob,
  'discovery.k8s.io/v1/EndpointSlice': network.defaultEndpointSlice,
  'networking.k8s.io/v1/IngressClass': network.defaultIngressClass,
  'networking.k8s.io/v1/NetworkPolicy': network.defaultNetworkPolicy,
  'autoscaling/v1/HorizontalPodAutoscaler': autoscaling.defaultAutoscalerV1,
  'autoscaling/v2/HorizontalPodAutoscaler': autoscaling.defaultAutoscaler,
  'rbac.authorization.k8s.io/v1/RoleBinding': rbac.defaultRoleBinding,
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': rbac.defaultRoleBinding,
  'storage.k8s.io/v1/StorageClass': storage.defaultStorageClass,
  'storage.k8s.io/v1/CSIDriver': storage.defaultCsiDriver,
  'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration': extension.defaultValidatingWebhooks,
  'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration': extension.defaultMutatingWebhooks,
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy': extension.defaultAdmissionPolicy,
  'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy': extension.defaultAdmissionPolicy,
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding': extension.defaultAdmissionPolicyBinding,
  'admissionregistration.k8s.io/v1/MutatingAdmissionPolicyBinding': extension.defaultAdmissionPolicyBinding,
  'apiextensions.k8s.io/v1/CustomResourceDefinition': extension.defaultCustomResourceDefinition,
  'apiregistration.k8s.io/v1/APIService': extension.defaultApiService,
  'scheduling.k8s.io/v1/PriorityClass': policy.defaultPriorityClass,
  'flowcontrol.apiserver.k8s.io/v1/FlowSchema': policy.defaultFlowSchema,
  'flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration': policy.defaultPriorityLevel,
  'authentication.k8s.io/v1/TokenRequest': policy.defaultTokenRequest,
  'resource.k8s.io/v1/ResourceClaim': policy.defaultResourceClaim,
  'resource.k8s.io/v1/ResourceClaimTemplate': policy.defaultResourceClaimTemplate,
};

/**
 * Fills in, in place, every default of a built-in kind: those of the schema and those of Kubernetes' code.
 * `object` should have been decoded (`decodeObject`), so that its structs are present. Unknown kinds are left alone.
 * Fields of features that are off get none. Idempotent.
 */
export function applyDefaults(group: string, version: string, kind: string, object: object, gates: FeatureGates): void {
  const descriptor = schemaFor(group, version, kind);
  if (!descriptor) return;
  applySchemaDefaults(descriptor, object as Record<string, unknown>);
  defaulters[`${group}/${version}/${kind}`]?.(object as never, gates);
}
