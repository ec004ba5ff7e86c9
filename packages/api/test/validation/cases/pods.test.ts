import { refuses } from './harness.ts';

const pod = { spec: { containers: [{ name: 'a', image: 'i' }] } };
const c = 'spec.containers[0]';
const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const portRange = 'must be between 1 and 65535, inclusive';

refuses('/Pod', pod, [
  [{ 'spec.containers': [] }, 'spec.containers: Required value'],
  [{ [`${c}.image`]: undefined }, `${c}.image: Required value`],
  [{ [`${c}.image`]: ' i' }, `${c}.image: Invalid value: " i": must not have leading or trailing whitespace`],
  [{ [`${c}.name`]: '' }, `${c}.name: Required value`],
  [{ [`${c}.name`]: 'A' }, `${c}.name: Invalid value: "A": ${label}`],
  [
    { [`${c}.imagePullPolicy`]: 'Odd' },
    `${c}.imagePullPolicy: Unsupported value: "Odd": supported values: "Always", "IfNotPresent", "Never"`,
  ],
  [
    { [`${c}.terminationMessagePolicy`]: 'Odd' },
    `${c}.terminationMessagePolicy: Unsupported value: "Odd": supported values: "File", "FallbackToLogsOnError"`,
  ],
  [{ [`${c}.ports`]: [{ containerPort: 70000 }] }, `${c}.ports[0].containerPort: Invalid value: 70000: ${portRange}`],
  [{ [`${c}.ports`]: [{ containerPort: 0 }] }, `${c}.ports[0].containerPort: Required value`],
  [
    { [`${c}.ports`]: [{ containerPort: 1, protocol: 'ICMP' }] },
    `${c}.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"`,
  ],
  [
    {
      [`${c}.ports`]: [
        { name: 'p', containerPort: 1 },
        { name: 'p', containerPort: 2 },
      ],
    },
    `${c}.ports[1].name: Duplicate value: "p"`,
  ],
  [
    {
      [`${c}.ports`]: [
        { containerPort: 1, hostPort: 8 },
        { containerPort: 2, hostPort: 8 },
      ],
    },
    `${c}.ports[1].hostPort: Duplicate value: "TCP//8"`,
  ],
  [
    { 'spec.hostNetwork': true, [`${c}.ports`]: [{ containerPort: 1, hostPort: 2 }] },
    `${c}.ports[0].hostPort: Invalid value: 2: must match \`containerPort\` when \`hostNetwork\` is true`,
  ],
  [{ [`${c}.env`]: [{ name: '' }] }, `${c}.env[0].name: Required value`],
  [
    { [`${c}.env`]: [{ name: 'A=' }] },
    `${c}.env[0].name: Invalid value: "A=": a valid environment variable name must consist only of printable ASCII characters other than '=' (regex used for validation is '[ -<>-~]+')`,
  ],
  [
    { [`${c}.env`]: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.labels' } } }] },
    `${c}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"`,
  ],
  [{ [`${c}.env`]: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a']" } } }] }],
  [
    { [`${c}.env`]: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.odd' } } }] },
    `${c}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.odd": error converting fieldPath: field label not supported: spec.odd`,
  ],
  [
    { [`${c}.env`]: [{ name: 'A', value: 'v', valueFrom: { configMapKeyRef: { name: 'c', key: 'k' } } }] },
    `${c}.env[0].valueFrom: Invalid value: "": may not be specified when \`value\` is not empty`,
  ],
  [
    { [`${c}.env`]: [{ name: 'A', valueFrom: {} }] },
    `${c}.env[0].valueFrom: Invalid value: "": must specify one of: \`fieldRef\`, \`resourceFieldRef\`, \`configMapKeyRef\`, \`secretKeyRef\` or \`fileKeyRef\``,
  ],
  [
    { [`${c}.env`]: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1M' } } }] },
    `${c}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor's values 1m and 1 are supported with the cpu resource`,
  ],
  [{ [`${c}.envFrom`]: [{}] }, `${c}.envFrom: Invalid value: "": must specify one of: \`configMapRef\` or \`secretRef\``],
  [{ [`${c}.volumeMounts`]: [{ name: 'v', mountPath: '/v' }] }, `${c}.volumeMounts[0].name: Not found: "v"`],
  [
    { 'spec.volumes': [{ name: 'v', emptyDir: {} }], [`${c}.volumeMounts`]: [{ name: 'v', mountPath: '/v', subPath: '../x' }] },
    `${c}.volumeMounts.subPath: Invalid value: "../x": must not contain '..'`,
  ],
  [
    {
      'spec.volumes': [{ name: 'v', emptyDir: {} }],
      [`${c}.volumeMounts`]: [{ name: 'v', mountPath: '/v', mountPropagation: 'Bidirectional' }],
    },
    `${c}.volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers`,
  ],
  [
    { 'spec.volumes': [{ name: 'v', emptyDir: {} }], [`${c}.volumeDevices`]: [{ name: 'v', devicePath: '/dev/x' }] },
    `${c}.volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode`,
  ],
  [
    { [`${c}.resources`]: { requests: { cpu: '2' }, limits: { cpu: '1' } } },
    `${c}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1`,
  ],
  [
    { [`${c}.resources.requests`]: { memory: '-1' } },
    `${c}.resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0`,
  ],
  [
    { [`${c}.resources.limits`]: { odd: '1' } },
    `${c}.resources.limits[odd]: Invalid value: "odd": must be a standard resource type or fully qualified`,
    `${c}.resources.limits[odd]: Invalid value: "odd": must be a standard resource for containers`,
    `${c}.resources.requests[odd]: Invalid value: "odd": must be a standard resource type or fully qualified`,
    `${c}.resources.requests[odd]: Invalid value: "odd": must be a standard resource for containers`,
  ],
  [
    { [`${c}.resources.requests`]: { 'example.com/gpu': '1' } },
    `${c}.resources.limits: Required value: Limit must be set for non overcommitable resources`,
  ],
  [
    { [`${c}.resources.limits`]: { 'example.com/gpu': '1500m' } },
    `${c}.resources.limits[example.com/gpu]: Invalid value: "1500m": must be an integer`,
    `${c}.resources.requests[example.com/gpu]: Invalid value: "1500m": must be an integer`,
  ],
  [{ [`${c}.resources.limits`]: { 'hugepages-2Mi': '4Mi' } }, `${c}.resources: Forbidden: HugePages require cpu or memory`],
  [
    { [`${c}.resources.limits`]: { 'hugepages-2Mi': '3Mi', cpu: '1' } },
    `${c}.resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi`,
    `${c}.resources.requests[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi`,
  ],
  [
    { [`${c}.resources.claims`]: [{ name: 'c' }] },
    `${c}.resources.claims[0]: Not found: "c": must be one of the names in pod.spec.resourceClaims which is empty`,
  ],
  [{ [`${c}.livenessProbe`]: {} }, `${c}.livenessProbe: Required value: must specify a handler type`],
  [
    { [`${c}.livenessProbe`]: { exec: { command: ['a'] }, tcpSocket: { port: 1 } } },
    `${c}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`,
  ],
  [
    { [`${c}.livenessProbe`]: { httpGet: { port: 1 }, successThreshold: 2 } },
    `${c}.livenessProbe.successThreshold: Invalid value: 2: must be 1`,
  ],
  [{ [`${c}.readinessProbe`]: { grpc: { port: 0 } } }, `${c}.readinessProbe.grpc.port: Invalid value: 0: ${portRange}`],
  [
    { [`${c}.readinessProbe`]: { exec: { command: ['a'] }, terminationGracePeriodSeconds: 3 } },
    `${c}.readinessProbe.terminationGracePeriodSeconds: Invalid value: 3: must not be set for readinessProbes`,
  ],
  [
    { [`${c}.lifecycle`]: { preStop: { sleep: { seconds: 31 } } } },
    `${c}.lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)`,
  ],
  [
    { [`${c}.lifecycle`]: { stopSignal: 'SIGTERM' } },
    `${c}.lifecycle.stopSignal: Forbidden: may not be set for containers with empty \`spec.os.name\``,
  ],
  [
    { [`${c}.securityContext`]: { runAsUser: -1 } },
    `${c}.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive`,
  ],
  [
    { [`${c}.securityContext`]: { seccompProfile: { type: 'Localhost' } } },
    `${c}.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost`,
  ],
  [
    { [`${c}.securityContext`]: { procMount: 'Unmasked' } },
    `${c}.securityContext.procMount: Invalid value: "Unmasked": \`hostUsers\` must be false to use \`Unmasked\``,
  ],
  [
    { [`${c}.resizePolicy`]: [{ resourceName: 'odd', restartPolicy: 'NotRequired' }] },
    `${c}.resizePolicy: Unsupported value: "odd": supported values: "cpu", "memory"`,
  ],
  [{ 'spec.initContainers': [{ name: 'a', image: 'i' }] }, 'spec.initContainers[0].name: Duplicate value: "a"'],
  [
    { 'spec.initContainers': [{ name: 'b', image: 'i', readinessProbe: { exec: { command: ['a'] } } }] },
    'spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
  ],
  [{ 'spec.initContainers': [{ name: 'b', image: 'i', restartPolicy: 'Always', readinessProbe: { exec: { command: ['a'] } } }] }],
  [{ 'spec.ephemeralContainers': [{ name: 'e', image: 'i' }] }, 'spec.ephemeralContainers: Forbidden: cannot be set on create'],
  [{ 'spec.restartPolicy': 'Odd' }, 'spec.restartPolicy: Unsupported value: "Odd": supported values: "Always", "OnFailure", "Never"'],
  [{ 'spec.activeDeadlineSeconds': 0 }, 'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
  [{ 'spec.hostname': 'A.b' }, `spec.hostname: Invalid value: "A.b": ${label}`],
  [{ 'spec.dnsPolicy': 'None' }, 'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
  [
    { 'spec.dnsConfig': { nameservers: ['1.1.1.1', '2.2.2.2', '3.3.3.3', '4.4.4.4'] } },
    'spec.dnsConfig.nameservers: Invalid value: ["1.1.1.1","2.2.2.2","3.3.3.3","4.4.4.4"]: must not have more than 3 nameservers',
  ],
  [
    { 'spec.dnsConfig': { nameservers: ['010.1.1.1'] } },
    'spec.dnsConfig.nameservers[0]: Invalid value: "010.1.1.1": must not have leading 0s',
  ],
  [
    { 'spec.hostPID': true, 'spec.shareProcessNamespace': true },
    'spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled',
  ],
  [{ 'spec.hostUsers': false, 'spec.hostNetwork': true }, 'spec.hostNetwork: Forbidden: when `hostUsers` is false'],
  [
    { 'spec.securityContext.sysctls': [{ name: 'net.ipv4.x', value: '1' }], 'spec.hostNetwork': true },
    'spec.securityContext.sysctls[0].name: Invalid value: "net.ipv4.x": may not be specified when \'hostNetwork\' is true',
  ],
  [{ 'spec.os': { name: 'plan9' } }, 'spec.os: Unsupported value: "plan9": supported values: "linux", "windows"'],
  [
    { 'spec.os': { name: 'windows' }, 'spec.securityContext.runAsUser': 1 },
    'spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod',
  ],
  [
    { 'spec.nodeName': 'n', 'spec.schedulingGates': [{ name: 'g' }] },
    'spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared',
  ],
  [
    { 'metadata.annotations': { 'controller.kubernetes.io/pod-deletion-cost': '+1' } },
    'metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: "+1": must be a 32bit integer',
  ],
  [
    { 'spec.tolerations': [{ operator: 'Equal', value: 'v' }] },
    'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
  ],
  [
    { 'spec.tolerations': [{ key: 'k', operator: 'Exists', tolerationSeconds: 3 }] },
    'spec.tolerations[0].effect: Invalid value: "": effect must be \'NoExecute\' when `tolerationSeconds` is set',
  ],
  [
    { 'spec.tolerations': [{ key: 'k', operator: 'Exists', effect: 'Odd' }] },
    'spec.tolerations[0].effect: Unsupported value: "Odd": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
  ],
  [
    { 'spec.affinity': { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } },
    'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
  ],
  [
    {
      'spec.affinity': {
        podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 101, podAffinityTerm: { topologyKey: 'k' } }] },
      },
    },
    'spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must be in the range 1-100',
  ],
  [
    { 'spec.topologySpreadConstraints': [{ maxSkew: 0, topologyKey: '', whenUnsatisfiable: 'Odd' }] },
    'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
    'spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty',
    'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Odd": supported values: "DoNotSchedule", "ScheduleAnyway"',
  ],
  [
    { 'spec.resourceClaims': [{ name: 'c' }] },
    'spec.resourceClaims[0]: Invalid value: {"name":"c"}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`',
  ],
  [
    { 'spec.resources': { requests: { cpu: '1' } }, [`${c}.resources.requests`]: { cpu: '2' } },
    'spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2',
  ],
]);

refuses('/Pod', { spec: { ...pod.spec, volumes: [{ name: 'v', emptyDir: {} }] } }, [
  // Without a kind it is an empty directory.
  [{ 'spec.volumes[0].emptyDir': undefined }],
  [{ 'spec.volumes[0].hostPath': { path: '/' } }, 'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
  [
    { 'spec.volumes[0].emptyDir.sizeLimit': '-1' },
    'spec.volumes[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity',
  ],
  [
    { 'spec.volumes[0]': { name: 'v', hostPath: { path: '/a/../b', type: 'Odd' } } },
    'spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain \'..\'',
    'spec.volumes[0].hostPath.type: Unsupported value: "Odd": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
  ],
  [
    { 'spec.volumes[0]': { name: 'v', secret: { secretName: '', defaultMode: 512 } } },
    'spec.volumes[0].secret.secretName: Required value',
    'spec.volumes[0].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive',
  ],
  [
    { 'spec.volumes[0]': { name: 'v', configMap: { name: 'c', items: [{ key: 'k', path: '..x' }] } } },
    'spec.volumes[0].configMap.items[0].path: Invalid value: "..x": must not start with \'..\'',
  ],
  [
    { 'spec.volumes[0]': { name: 'v', nfs: { server: 's', path: 'p' } } },
    'spec.volumes[0].nfs.path: Invalid value: "p": must be an absolute path',
  ],
  [
    {
      'spec.volumes[0]': { name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 60 } }] } },
      'spec.serviceAccountName': 's',
    },
    'spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes',
  ],
  [
    { 'spec.volumes[0]': { name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } } },
    'spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set',
  ],
  [
    { 'spec.volumes[0]': { name: 'v', downwardAPI: { items: [{ path: 'f' }] } } },
    'spec.volumes[0].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required',
  ],
  [
    { 'spec.volumes[0]': { name: 'v', csi: { driver: '' } } },
    'spec.volumes[0].csi.driver: Required value',
    expect1123('spec.volumes[0].csi.driver', ''),
  ],
  [{ 'spec.volumes[0]': { name: 'v', image: { pullPolicy: 'Always' } } }, 'spec.volumes[0].image.reference: Required value'],
  [
    { 'spec.volumes[0]': { name: 'v', ephemeral: { volumeClaimTemplate: { spec: { resources: { requests: { storage: '1' } } } } } } },
    'spec.volumes[0].ephemeral.volumeClaimTemplate.spec.accessModes: Required value: at least 1 access mode is required',
  ],
  [
    {
      'spec.volumes': [
        { name: 'v', emptyDir: {} },
        { name: 'v', emptyDir: {} },
      ],
    },
    'spec.volumes[1].name: Duplicate value: "v"',
  ],
]);

function expect1123(path: string, value: string): string {
  return `${path}: Invalid value: ${JSON.stringify(value)}: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`;
}
