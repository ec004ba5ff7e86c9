/**
 * The fields that a feature brings, by its gate, then by `GROUP/KIND`. A path has `[]` where it goes through a list.
 * `pod` stands for the spec of a pod wherever there is one, `container` for a container of any sort in it.
 */
export const featureFields: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  CSIServiceAccountTokenSecrets: { 'storage.k8s.io/CSIDriver': ['spec.serviceAccountTokenInSecrets'] },
  ClusterTrustBundleProjection: { pod: ['volumes[].projected.sources[].clusterTrustBundle'] },
  ContainerRestartRules: { container: ['restartPolicyRules'] },
  ContainerStopSignals: {
    container: ['lifecycle.stopSignal'],
    '/Pod': ['status.containerStatuses[].stopSignal', 'status.initContainerStatuses[].stopSignal'],
  },
  CrossNamespaceVolumeDataSource: { '/PersistentVolumeClaim': ['spec.dataSourceRef.namespace'] },
  DeploymentReplicaSetTerminatingReplicas: {
    'apps/Deployment': ['status.terminatingReplicas'],
    'apps/ReplicaSet': ['status.terminatingReplicas'],
  },
  EnvFiles: { container: ['env[].valueFrom.fileKeyRef'] },
  GenericWorkload: { pod: ['schedulingGroup'] },
  HPAConfigurableTolerance: {
    'autoscaling/HorizontalPodAutoscaler': ['spec.behavior.scaleUp.tolerance', 'spec.behavior.scaleDown.tolerance'],
  },
  HostnameOverride: { pod: ['hostnameOverride'] },
  ImageVolume: { pod: ['volumes[].image'] },
  ImageVolumeWithDigest: {
    '/Pod': ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'].map(
      (list) => `status.${list}[].volumeMounts[].volumeStatus`,
    ),
  },
  InPlacePodLevelResourcesVerticalScaling: { '/Pod': ['status.allocatedResources', 'status.resources'] },
  MatchLabelKeysInPodTopologySpread: { pod: ['topologySpreadConstraints[].matchLabelKeys'] },
  MaxUnavailableStatefulSet: { 'apps/StatefulSet': ['spec.updateStrategy.rollingUpdate.maxUnavailable'] },
  MutableCSINodeAllocatableCount: { 'storage.k8s.io/CSIDriver': ['spec.nodeAllocatableUpdatePeriodSeconds'] },
  NodeDeclaredFeatures: { '/Node': ['status.declaredFeatures'] },
  PodCertificateRequest: { pod: ['volumes[].projected.sources[].podCertificate'] },
  PodLevelResources: { pod: ['resources'] },
  ProcMountType: { container: ['securityContext.procMount'] },
  ResourceHealthStatus: {
    '/Pod': ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'].map(
      (list) => `status.${list}[].allocatedResourcesStatus`,
    ),
  },
  SELinuxChangePolicy: { pod: ['securityContext.seLinuxChangePolicy'] },
  UserNamespacesSupport: { pod: ['hostUsers'] },
  VolumeLimitScaling: { 'storage.k8s.io/CSIDriver': ['spec.preventPodSchedulingIfMissing'] },
};

/** Where the spec of a pod is in the kinds that have one. */
export const podSpecPaths: Readonly<Record<string, string>> = {
  '/Pod': 'spec',
  '/PodTemplate': 'template.spec',
  '/ReplicationController': 'spec.template.spec',
  'apps/DaemonSet': 'spec.template.spec',
  'apps/Deployment': 'spec.template.spec',
  'apps/ReplicaSet': 'spec.template.spec',
  'apps/StatefulSet': 'spec.template.spec',
  'batch/CronJob': 'spec.jobTemplate.spec.template.spec',
  'batch/Job': 'spec.template.spec',
};

export const containerLists = ['containers', 'initContainers', 'ephemeralContainers'] as const;
