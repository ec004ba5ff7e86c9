import { dns1123LabelFaults, pathSegmentFaults } from '../names.ts';
import type { CertificateSigningRequest } from '../generated/types.ts';
import * as certificates from './access/certificate-request.ts';
import type { CertificateEndpoint } from './access/certificate-request.ts';
import * as access from './access/rbac.ts';
import * as autoscaler from './cluster/autoscaler.ts';
import * as policies from './cluster/policies.ts';
import * as quota from './cluster/quota.ts';
import { validateApiService, validateApiServiceStatus } from './extension/api-service.ts';
import * as flow from './extension/flow-control.ts';
import { validateWebhooks } from './extension/webhooks.ts';
import type { Faults } from './faults.ts';
import type { RuleTable } from './kind-rules.ts';
import * as addresses from './network/address-kinds.ts';
import * as ingress from './network/ingress.ts';
import * as networkPolicy from './network/network-policy.ts';
import { validatePodTemplateObject } from './pods/pod.ts';
import * as csi from './storage/csi.ts';
import * as volumes from './storage/persistent-volume.ts';
import * as classes from './storage/storage-class.ts';
import * as claims from './storage/volume-claim.ts';
import * as jobs from './workloads/job.ts';
import { validateJobStatus } from './workloads/job-status.ts';
import * as owners from './workloads/pod-owners.ts';
import * as sets from './workloads/stateful-set.ts';
import * as statuses from './workloads/workload-status.ts';

const rbac = 'rbac.authorization.k8s.io';
const storage = 'storage.k8s.io';
const networking = 'networking.k8s.io';
const flowControl = 'flowcontrol.apiserver.k8s.io';

const certificateUpdate =
  (endpoint: CertificateEndpoint) =>
  (next: CertificateSigningRequest, old: CertificateSigningRequest, faults: Faults): void => {
    certificates.validateCertificateRequestUpdate(next, old, endpoint, faults);
  };

/** Kinds that many clusters never write. */
export const rareRules: RuleTable = {
  '/PodTemplate': { always: validatePodTemplateObject },
  '/ReplicationController': {
    create: owners.validateReplicationController,
    update: owners.validateReplicationControllerUpdate,
    status: statuses.validateReplicaStatus,
  },
  '/PersistentVolume': { create: volumes.validatePersistentVolume, update: volumes.validatePersistentVolumeUpdate },
  '/PersistentVolumeClaim': {
    create: claims.validateVolumeClaim,
    update: claims.validateVolumeClaimUpdate,
    status: claims.validateVolumeClaimStatus,
  },
  '/ResourceQuota': { always: quota.validateQuota, update: quota.validateQuotaUpdate, status: quota.validateQuotaStatus },
  '/LimitRange': { always: quota.validateLimitRange },
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': { always: validateWebhooks },
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': { always: validateWebhooks },
  'apiregistration.k8s.io/APIService': { always: validateApiService, status: validateApiServiceStatus, nameSyntax: pathSegmentFaults },
  'apps/ControllerRevision': { always: owners.validateRevision, update: owners.validateRevisionUpdate },
  'apps/DaemonSet': { create: owners.validateDaemonSet, update: owners.validateDaemonSetUpdate, status: statuses.validateDaemonSetStatus },
  'apps/StatefulSet': {
    always: sets.validateStatefulSet,
    create: sets.validateStatefulSetCreate,
    update: sets.validateStatefulSetUpdate,
    status: statuses.validateStatefulSetStatus,
    nameSyntax: dns1123LabelFaults,
  },
  'autoscaling/HorizontalPodAutoscaler': { always: autoscaler.validateAutoscaler, status: autoscaler.validateAutoscalerStatus },
  'batch/Job': { create: jobs.validateJob, update: jobs.validateJobUpdate, status: validateJobStatus },
  'batch/CronJob': { create: jobs.validateCronJob, update: jobs.validateCronJobUpdate },
  'certificates.k8s.io/CertificateSigningRequest': {
    create: certificates.validateCertificateRequest,
    update: certificateUpdate(''),
    status: certificateUpdate('status'),
    through: { approval: certificateUpdate('approval') },
    nameSyntax: certificates.anyName,
  },
  [`${flowControl}/FlowSchema`]: { always: flow.validateFlowSchema, status: flow.validateFlowStatus },
  [`${flowControl}/PriorityLevelConfiguration`]: { always: flow.validatePriorityLevel, status: flow.validateFlowStatus },
  [`${networking}/Ingress`]: {
    create: ingress.validateIngressCreate,
    update: ingress.validateIngressUpdate,
    status: ingress.validateIngressStatus,
  },
  [`${networking}/IngressClass`]: { always: ingress.validateIngressClass, update: ingress.validateIngressClassUpdate },
  [`${networking}/NetworkPolicy`]: { create: networkPolicy.validateNetworkPolicy, update: networkPolicy.validateNetworkPolicyUpdate },
  [`${networking}/IPAddress`]: {
    create: addresses.validateIpAddress,
    update: addresses.validateIpAddressUpdate,
    nameSyntax: addresses.ipAddressNameFaults,
  },
  [`${networking}/ServiceCIDR`]: { create: addresses.validateServiceCidr, update: addresses.validateServiceCidrUpdate },
  'node.k8s.io/RuntimeClass': { always: policies.validateRuntimeClass, update: policies.validateRuntimeClassUpdate },
  'policy/PodDisruptionBudget': { always: policies.validateDisruptionBudget, status: policies.validateDisruptionBudgetStatus },
  'scheduling.k8s.io/PriorityClass': { create: policies.validatePriorityClass, update: policies.validatePriorityClassUpdate },
  [`${storage}/StorageClass`]: { create: classes.validateStorageClass, update: classes.validateStorageClassUpdate },
  [`${storage}/VolumeAttributesClass`]: { always: classes.validateAttributesClass, update: classes.validateAttributesClassUpdate },
  [`${storage}/CSIDriver`]: { always: csi.validateDriver, update: csi.validateDriverUpdate },
  [`${storage}/CSINode`]: { always: csi.validateCsiNode, update: csi.validateCsiNodeUpdate },
  [`${storage}/CSIStorageCapacity`]: { create: csi.validateStorageCapacity, update: csi.validateStorageCapacityUpdate },
  [`${storage}/VolumeAttachment`]: {
    always: csi.validateAttachment,
    create: csi.validateAttachmentCreate,
    update: csi.validateAttachmentUpdate,
    status: csi.validateAttachmentStatus,
  },
  [`${rbac}/Role`]: { always: access.validateRole, nameSyntax: pathSegmentFaults },
  [`${rbac}/ClusterRole`]: { always: access.validateClusterRole, nameSyntax: pathSegmentFaults },
  [`${rbac}/RoleBinding`]: { always: access.validateRoleBinding, update: access.validateBindingUpdate, nameSyntax: pathSegmentFaults },
  [`${rbac}/ClusterRoleBinding`]: {
    always: access.validateClusterRoleBinding,
    update: access.validateBindingUpdate,
    nameSyntax: pathSegmentFaults,
  },
};
