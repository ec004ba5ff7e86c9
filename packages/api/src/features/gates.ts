/** How far a feature has come, as Kubernetes names it in flags and metrics. */
export type FeatureStage = 'ALPHA' | 'BETA' | '' | 'DEPRECATED';

export interface Feature {
  readonly stage: FeatureStage;
  readonly enabled: boolean;
  /** Part of the API for good (or gone for good): it cannot be switched. */
  readonly locked: boolean;
}

/** Which features are on, by name. */
export type FeatureGates = ReadonlyMap<string, boolean>;

const lists: readonly (readonly [FeatureStage, enabled: boolean, locked: boolean, names: string])[] = [
  [
    '',
    true,
    true,
    `APIServerTracing AnonymousAuthConfigurableEndpoints AnyVolumeDataSource AuthorizeNodeWithSelectors AuthorizeWithSelectors
     BtreeWatchCache CPUManagerPolicyOptions CRDValidationRatcheting ConsistentListFromCache CronJobsScheduledAnnotation
     CustomResourceFieldSelectors DRAAdminAccess DRAPrioritizedList DynamicResourceAllocation ExternalServiceAccountTokenSigner
     HonorPVReclaimPolicy InPlacePodVerticalScaling JobBackoffLimitPerIndex JobManagedBy JobPodReplacementPolicy JobSuccessPolicy
     KubeletCgroupDriverFromCRI KubeletFineGrainedAuthz KubeletTracing LoadBalancerIPMode LogarithmicScaleDown
     MatchLabelKeysInPodAffinity MemoryManager MultiCIDRServiceAllocator MutatingAdmissionPolicy NFTablesProxyMode
     NodeInclusionPolicyInPodTopologySpread NodeSwap OrderedNamespaceDeletion PodIndexLabel PodLifecycleSleepAction
     PodLifecycleSleepActionAllowZero PodObservedGenerationTracking PodSchedulingReadiness PreferSameTrafficDistribution
     ProbeHostPodSecurityStandards RecoverVolumeExpansionFailure RecursiveReadOnlyMounts RelaxedDNSSearchValidation
     RelaxedEnvironmentVariableValidation ResilientWatchCacheInitialization RetryGenerateName SELinuxMountReadWriteOncePod
     SchedulerQueueingHints SeparateTaintEvictionController ServiceAccountTokenJTI ServiceAccountTokenNodeBinding
     ServiceAccountTokenNodeBindingValidation ServiceAccountTokenPodNodeInfo ServiceTrafficDistribution SidecarContainers
     SizeMemoryBackedVolumes StatefulSetAutoDeletePVC StreamingCollectionEncodingToJSON StreamingCollectionEncodingToProtobuf
     StrictCostEnforcementForVAP StrictCostEnforcementForWebhooks StructuredAuthenticationConfiguration
     StructuredAuthorizationConfiguration SupplementalGroupsPolicy TopologyAwareHints VolumeAttributesClass WinDSR WinOverlay`,
  ],
  ['', true, false, 'DisableAllocatorDualWrite ExecProbeTimeout TopologyManagerPolicyOptions'],
  [
    'BETA',
    true,
    false,
    `APIResponseCompression APIServerIdentity AllowParsingUserUIDFromCertAuth CPUManagerPolicyBetaOptions CSIServiceAccountTokenSecrets
     ContainerCheckpoint ContainerRestartRules DRAConsumableCapacity DRADeviceBindingConditions DRADeviceTaints DRAExtendedResource
     DRAPartitionableDevices DRAResourceClaimDeviceStatus DRASchedulerFilterTimeout DeclarativeValidation
     DeploymentReplicaSetTerminatingReplicas DetectCacheInconsistency DisableCPUQuotaWithExclusiveCPUs EnvFiles GracefulNodeShutdown
     GracefulNodeShutdownBasedOnPodPriority HPAConfigurableTolerance HostnameOverride ImageMaximumGCAge ImageVolume
     InPlacePodLevelResourcesVerticalScaling
     KubeletCrashLoopBackOffMax KubeletEnsureSecretPulledImages KubeletPSI KubeletPodResourcesDynamicResources KubeletPodResourcesGet
     KubeletSeparateDiskGC KubeletServiceAccountTokenForCredentialProviders ListFromCacheSnapshot MatchLabelKeysInPodTopologySpread
     MatchLabelKeysInPodTopologySpreadSelectorMerge MaxUnavailableStatefulSet MutableCSINodeAllocatableCount
     MutablePodResourcesForSuspendedJobs MutableSchedulingDirectivesForSuspendedJobs NominatedNodeNameForExpectation OpenAPIEnums
     PodDeletionCost PodLevelResources PodReadyToStartContainersCondition PodTopologyLabelsAdmission PortForwardWebsockets
     PreventStaticPodAPIReferences ProcMountType ReloadKubeletServerCertificateFile RemoteRequestHeaderUID ResourceHealthStatus
     RotateKubeletServerCertificate SELinuxChangePolicy SchedulerAsyncPreemption SchedulerPopFromBackoffQ
     ServiceAccountNodeAudienceRestriction SizeBasedListCostEstimate StorageVersionHash StrictIPCIDRValidation
     StructuredAuthenticationConfigurationEgressSelector SystemdWatchdog TokenRequestServiceAccountUIDValidation
     TopologyManagerPolicyBetaOptions TranslateStreamCloseWebsocketRequests UserNamespacesSupport WatchList WindowsGracefulNodeShutdown`,
  ],
  [
    'BETA',
    false,
    false,
    `ClusterTrustBundle ClusterTrustBundleProjection ConcurrentWatchObjectDecode CoordinatedLeaderElection
     LocalStorageCapacityIsolationFSQuotaMonitoring NodeLogQuery PodCertificateRequest SELinuxMount SchedulerAsyncAPICalls
     WatchCacheInitializationPostStartHook`,
  ],
  [
    'ALPHA',
    false,
    false,
    `APIServingWithRoutine AllowUnsafeMalformedObjectDeletion CBORServingAndStorage CPUCFSQuotaPeriod CPUManagerPolicyAlphaOptions
     CSIVolumeHealth ClearingNominatedNodeNameAfterBinding CloudControllerManagerWebhook ComponentFlagz ComponentStatusz
     ContainerStopSignals CrossNamespaceVolumeDataSource EventedPLEG GangScheduling GenericWorkload HPAScaleToZero
     ImageVolumeWithDigest InPlacePodVerticalScalingExclusiveCPUs
     InPlacePodVerticalScalingExclusiveMemory KubeletInUserNamespace MemoryQoS MutablePVNodeAffinity NodeDeclaredFeatures
     PodAndContainerStatsFromCRI PodLogsQuerySplitStreams QOSReserved ReduceDefaultCrashLoopBackOffDecay
     RelaxedServiceNameValidation RestartAllContainersOnContainerExits RuntimeClassInImageCriAPI StorageCapacityScoring
     StorageVersionAPI StorageVersionMigrator TaintTolerationComparisonOperators TopologyManagerPolicyAlphaOptions
     UnknownVersionInteroperabilityProxy UserNamespacesHostNetworkSupport UserNamespacesPodSecurityStandards VolumeLimitScaling
     WindowsCPUAndMemoryAffinity`,
  ],
  [
    'DEPRECATED',
    true,
    false,
    'AggregatedDiscoveryRemoveBetaType DisableNodeKubeProxyVersion KubeletPodResourcesListUseActivePods StorageNamespaceIndex',
  ],
  ['DEPRECATED', false, true, 'AllowServiceLBStatusOnNonLB WatchFromStorageWithoutResourceVersion'],
  [
    'DEPRECATED',
    false,
    false,
    `AllowDNSOnlyNodeCSR AllowInsecureKubeletCertificateSigningRequests AllowOverwriteTerminationGracePeriodSeconds GitRepoVolumeDriver
     InPlacePodVerticalScalingAllocatedStatus KubeletRegistrationGetOnExistsOnly SeparateCacheWatchRPC WindowsHostNetwork`,
  ],
];

/** Every feature of Kubernetes 1.36 by its name, as it is when no flag says otherwise. */
export const features: ReadonlyMap<string, Feature> = new Map(
  lists.flatMap(([stage, enabled, locked, names]) => names.split(/\s+/).map((name) => [name, { stage, enabled, locked }] as const)),
);

export const defaultFeatureGates: FeatureGates = new Map([...features].map(([name, { enabled }]) => [name, enabled]));

const truth: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'true', 'TRUE', 'True'].map((word) => [word, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'false', 'FALSE', 'False'].map((word) => [word, false])),
};

/**
 * The gates that a `--feature-gates` flag (`A=true,B=false`) leaves open. `AllAlpha` and `AllBeta` stand for all of a stage
 * that are not named. Throws an `Error` that says what is wrong with the flag, in Kubernetes' words.
 */
export function parseFeatureGates(flag: string): FeatureGates {
  const named = new Map<string, boolean>();
  const stages = new Map<FeatureStage, boolean>();
  for (const pair of flag.split(',').filter((text) => text.trim() !== '')) {
    const [name = '', text] = pair.split(/=(.*)/s).map((part) => part.trim());
    if (text === undefined) throw new Error(`missing bool value for ${name}`);
    const value = Object.hasOwn(truth, text) ? truth[text] : undefined;
    if (value === undefined) throw new Error(`invalid value of ${name}=${text}, err: strconv.ParseBool: parsing "${text}": invalid syntax`);
    if (name === 'AllAlpha') stages.set('ALPHA', value);
    else if (name === 'AllBeta') stages.set('BETA', value);
    else named.set(name, checked(name, value));
  }
  return new Map([...features].map(([name, { stage, enabled }]) => [name, named.get(name) ?? stages.get(stage) ?? enabled]));
}

function checked(name: string, value: boolean): boolean {
  const feature = features.get(name);
  if (feature === undefined) throw new Error(`unrecognized feature gate: ${name}`);
  if (feature.locked && value !== feature.enabled)
    throw new Error(`cannot set feature gate ${name} to ${String(value)}, feature is locked to ${String(feature.enabled)}`);
  return value;
}
