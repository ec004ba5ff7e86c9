import { refusesThrough, refusesUpdate } from './harness.ts';

const spec = { containers: [{ name: 'a', image: 'i', resources: { requests: { cpu: '1' } } }], activeDeadlineSeconds: 10 };
const pod = { spec, status: { qosClass: 'Burstable' } };
const mayChange =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

refusesUpdate('/Pod', pod, [
  [{ 'spec.containers[0].image': 'j' }],
  [{ 'spec.activeDeadlineSeconds': 5 }],
  [{ 'spec.activeDeadlineSeconds': 11 }, 'spec.activeDeadlineSeconds: Invalid value: 11: must be less than or equal to previous value'],
  [
    { 'spec.activeDeadlineSeconds': undefined },
    'spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value',
  ],
  [{ 'spec.tolerations': [{ key: 'k', operator: 'Exists' }] }],
  [{ 'spec.containers[1]': { name: 'b', image: 'i' } }, 'spec.containers: Forbidden: pod updates may not add or remove containers'],
  [
    { 'spec.hostname': 'h' },
    `spec: Forbidden: ${mayChange}\n@@ -14,6 +14,7 @@\n   }\n  ],\n  "activeDeadlineSeconds": 10,\n+ "hostname": "h",\n  "dnsPolicy": "ClusterFirst",\n  "restartPolicy": "Always",\n  "securityContext": {},\n`,
  ],
  [
    { 'metadata.annotations': { 'kubernetes.io/config.mirror': 'x' } },
    'metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "x": must set spec.nodeName if mirror pod annotation is set',
    'metadata.annotations[kubernetes.io/config.mirror]: Forbidden: may not add mirror pod annotation',
  ],
]);

const gated = { spec: { ...spec, schedulingGates: [{ name: 'g' }], nodeSelector: { a: 'b' } } };

refusesUpdate('/Pod', gated, [
  [{ 'spec.schedulingGates': undefined }],
  [{ 'spec.nodeSelector': { a: 'b', c: 'd' } }],
  [
    { 'spec.nodeSelector': { c: 'd' } },
    'spec.nodeSelector: Invalid value: {"c":"d"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
  ],
  [
    { 'spec.schedulingGates[1]': { name: 'h' } },
    "spec.schedulingGates[1].name: Forbidden: only deletion is allowed, but found new scheduling gate 'h'",
  ],
]);

refusesThrough('/Pod', 'resize', pod, [
  [{ 'spec.containers[0].resources.requests.cpu': '2' }],
  [
    { 'spec.containers[0].resources.requests': undefined },
    'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
    'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
  ],
  [{ 'spec.containers[0].resources.requests.ephemeral-storage': '1Gi' }, 'spec: Forbidden: only cpu and memory resources are mutable'],
  [{ 'spec.containers[0].name': 'b' }, 'spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize'],
]);

const debugged = { spec: { ...spec, ephemeralContainers: [{ name: 'e', image: 'i' }] } };

refusesThrough('/Pod', 'ephemeralcontainers', debugged, [
  [{ 'spec.ephemeralContainers[1]': { name: 'f', image: 'i', targetContainerName: 'a' } }],
  [{ 'spec.ephemeralContainers': [] }, 'spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be removed\n'],
  [{ 'spec.ephemeralContainers[1]': { name: 'a', image: 'i' } }, 'spec.ephemeralContainers[1].name: Duplicate value: "a"'],
  [
    { 'spec.ephemeralContainers[1]': { name: 'f', image: 'i', ports: [{ containerPort: 1 }] } },
    'spec.ephemeralContainers[1].ports: Forbidden: cannot be set for an Ephemeral Container',
  ],
  [
    { 'spec.ephemeralContainers[1]': { name: 'f', image: 'i', targetContainerName: 'z' } },
    'spec.ephemeralContainers[1].targetContainerName: Not found: "z"',
  ],
]);

const done = {
  spec: { ...spec, restartPolicy: 'Never', nodeName: 'n' },
  status: { qosClass: 'Burstable', containerStatuses: [{ name: 'a', state: { terminated: { exitCode: 0 } } }] },
};

refusesThrough('/Pod', 'status', done, [
  [{ 'status.phase': 'Succeeded' }],
  [
    { 'status.containerStatuses[0].state': { running: {} } },
    'status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state',
  ],
  [{ 'status.qosClass': 'Guaranteed' }, 'status.qosClass: Invalid value: "Guaranteed": field is immutable'],
  [{ 'status.nominatedNodeName': 'm' }, 'status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node'],
  [
    { 'status.podIPs': [{ ip: '1.1.1.1' }, { ip: '2.2.2.2' }] },
    'status.podIPs: Invalid value: [{"ip":"1.1.1.1"},{"ip":"2.2.2.2"}]: may specify no more than one IP for each IP family',
  ],
  [
    { 'status.hostIPs': [{ ip: '1.1.1.1' }], 'status.hostIP': '2.2.2.2' },
    'status.hostIPs[0].ip: Invalid value: "1.1.1.1": must be equal to `hostIP`',
  ],
]);
