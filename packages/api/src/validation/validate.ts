import type { GroupKind } from '../errors/constructors.ts';
import type { FieldError } from '../errors/field-error.ts';
import { dns1035LabelFaults, dns1123LabelFaults, dns1123SubdomainFaults, ipFaults, pathSegmentFaults } from '../names.ts';
import type { KubeObject } from '../object.ts';
import * as access from './access.ts';
import * as cluster from './cluster.ts';
import * as configuration from './configuration.ts';
import type { Faults } from './faults.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from './object-meta.ts';
import * as pods from './pod.ts';
import * as services from './services.ts';
import * as workloads from './workloads.ts';

/** What is checked of a kind beside its metadata. */
interface KindRules {
  /** Of the object as it is, at create and update. */
  readonly always?: (object: never, faults: Faults) => void;
  /** At create only. */
  readonly create?: (object: never, faults: Faults) => void;
  /** What an update may not change. */
  readonly update?: (next: never, old: never, faults: Faults) => void;
  /** DNS subdomain unless said otherwise. */
  readonly nameSyntax?: (name: string) => string[];
}

const rbacGroup = 'rbac.authorization.k8s.io';

const rules: Readonly<Record<string, KindRules>> = {
  '/Pod': { always: pods.validatePod, create: pods.validatePodCreate, update: pods.validatePodUpdate },
  '/ReplicationController': { always: workloads.validateReplicationController },
  '/Service': { always: services.validateService, update: services.validateServiceUpdate, nameSyntax: dns1035LabelFaults },
  '/Endpoints': { always: services.validateEndpoints },
  '/ConfigMap': { always: configuration.validateConfigMap, update: configuration.validateConfigMapUpdate },
  '/Secret': { always: configuration.validateSecret, update: configuration.validateSecretUpdate },
  '/Namespace': { always: cluster.validateNamespace, nameSyntax: dns1123LabelFaults },
  '/Node': { always: cluster.validateNode, update: cluster.validateNodeUpdate },
  '/PersistentVolume': { always: cluster.validatePersistentVolume },
  '/PersistentVolumeClaim': { always: cluster.validateVolumeClaim, update: cluster.validateVolumeClaimUpdate },
  '/ResourceQuota': { always: cluster.validateQuota, update: cluster.validateQuotaUpdate },
  '/LimitRange': { always: cluster.validateLimitRange },
  'apps/Deployment': { always: workloads.validateDeployment, update: workloads.validateSelectorUpdate },
  'apps/ReplicaSet': { always: workloads.validateReplicaSet, update: workloads.validateSelectorUpdate },
  'apps/DaemonSet': { always: workloads.validateDaemonSet, update: workloads.validateSelectorUpdate },
  'apps/StatefulSet': { always: workloads.validateStatefulSet, update: workloads.validateStatefulSetUpdate },
  'autoscaling/HorizontalPodAutoscaler': { always: cluster.validateAutoscaler },
  'batch/Job': { always: workloads.validateJob, update: workloads.validateJobUpdate },
  'batch/CronJob': { always: workloads.validateCronJob },
  'certificates.k8s.io/CertificateSigningRequest': { always: access.validateCertificateRequest },
  'coordination.k8s.io/Lease': { always: cluster.validateLease },
  'apiregistration.k8s.io/APIService': { nameSyntax: pathSegmentFaults },
  'discovery.k8s.io/EndpointSlice': { always: services.validateEndpointSlice, update: services.validateEndpointSliceUpdate },
  'networking.k8s.io/Ingress': { always: services.validateIngress },
  'networking.k8s.io/NetworkPolicy': { always: services.validateNetworkPolicy },
  'networking.k8s.io/IPAddress': { nameSyntax: ipFaults },
  'policy/PodDisruptionBudget': { always: cluster.validateDisruptionBudget },
  'scheduling.k8s.io/PriorityClass': { always: cluster.validatePriorityClass, update: cluster.validatePriorityClassUpdate },
  'storage.k8s.io/StorageClass': { always: cluster.validateStorageClass, update: cluster.validateStorageClassUpdate },
  [`${rbacGroup}/Role`]: { always: access.validateRole, nameSyntax: pathSegmentFaults },
  [`${rbacGroup}/ClusterRole`]: { always: access.validateClusterRole, nameSyntax: pathSegmentFaults },
  [`${rbacGroup}/RoleBinding`]: { always: access.validateRoleBinding, update: access.validateBindingUpdate, nameSyntax: pathSegmentFaults },
  [`${rbacGroup}/ClusterRoleBinding`]: {
    always: access.validateClusterRoleBinding,
    update: access.validateBindingUpdate,
    nameSyntax: pathSegmentFaults,
  },
};

const none: KindRules = {};

/** The kind of an object and where it lives; a `ResourceRef` fits. */
export interface ValidatedKind extends GroupKind {
  readonly namespaced: boolean;
}

function rulesOf(kind: GroupKind): KindRules {
  return rules[`${kind.group}/${kind.kind}`] ?? none;
}

/**
 * Every fault of a new object, in Kubernetes' words; empty when it is sound. The object is decoded
 * and defaulted, and has its name. Kinds without rules of their own are checked for metadata only.
 */
export function validateCreate(kind: ValidatedKind, object: KubeObject): FieldError[] {
  const faults: Faults = [];
  const { always, create, nameSyntax = dns1123SubdomainFaults } = rulesOf(kind);
  validateObjectMeta(object.metadata, kind.namespaced, nameSyntax, faults);
  always?.(object as never, faults);
  create?.(object as never, faults);
  return faults;
}

/** Every fault of an update: of the new object as it is, and of what changed. */
export function validateUpdate(kind: ValidatedKind, next: KubeObject, old: KubeObject): FieldError[] {
  const faults: Faults = [];
  const { always, update, nameSyntax = dns1123SubdomainFaults } = rulesOf(kind);
  validateObjectMeta(next.metadata, kind.namespaced, nameSyntax, faults);
  validateObjectMetaUpdate(next.metadata, old.metadata, faults);
  always?.(next as never, faults);
  update?.(next as never, old as never, faults);
  return faults;
}

/** Every fault of a write to the status endpoint. */
export function validateStatusUpdate(kind: ValidatedKind, next: KubeObject, old: KubeObject): FieldError[] {
  const faults: Faults = [];
  const { nameSyntax = dns1123SubdomainFaults } = rulesOf(kind);
  validateObjectMeta(next.metadata, kind.namespaced, nameSyntax, faults);
  validateObjectMetaUpdate(next.metadata, old.metadata, faults);
  return faults;
}
