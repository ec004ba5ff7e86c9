import { expect, it } from 'vitest';
import { warningsFor } from '../../../src/index.ts';
import { made, warns } from './harness.ts';

const pod = { spec: { containers: [{ name: 'a', image: 'i' }] } };
const c = 'spec.containers[0]';

warns('/Pod', pod, [
  [
    { 'metadata.name': 'a.b' },
    "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')]",
  ],
  [
    {
      [`${c}.env`]: [
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
    },
    `${c}.env[1]: hides previous definition of "A", which may be dropped when using apply`,
  ],
  [
    {
      [`${c}.env`]: [
        { name: 'A', value: '1' },
        { name: 'A', value: '$(A):2' },
      ],
    },
  ],
  [
    {
      [`${c}.ports`]: [
        { containerPort: 80, name: 'p' },
        { containerPort: 80, name: 'q' },
      ],
    },
    `${c}.ports[1]: duplicate port definition with ${c}.ports[0]`,
  ],
  [
    { [`${c}.resources.requests`]: { memory: '100m' } },
    `${c}.resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer`,
  ],
  [
    { 'spec.nodeSelector': { 'beta.kubernetes.io/os': 'linux' } },
    'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
  ],
  [{ 'spec.imagePullSecrets': [{}] }, 'spec.imagePullSecrets[0].name: invalid empty name ""'],
  [
    { 'spec.topologySpreadConstraints': [{ maxSkew: 1, topologyKey: 'k', whenUnsatisfiable: 'DoNotSchedule' }] },
    'spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod',
  ],
  [
    { 'spec.volumes': [{ name: 'v', glusterfs: { endpoints: 'e', path: 'p' } }] },
    'spec.volumes[0].glusterfs: deprecated in v1.25, non-functional in v1.26+',
  ],
  [
    {
      'spec.volumes': [
        {
          name: 'v',
          configMap: {
            name: 'c',
            items: [
              { key: 'k', path: 'a' },
              { key: 'l', path: 'a/b' },
            ],
          },
        },
      ],
    },
    'volume "v" (ConfigMap "c"): overlapping paths: "a/b" with "a"',
  ],
  [
    { 'spec.terminationGracePeriodSeconds': -1 },
    'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
  ],
]);

const deployment = { spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: pod.spec } } };

warns('apps/Deployment', deployment, [
  [
    { 'spec.template.metadata.annotations': { 'scheduler.alpha.kubernetes.io/critical-pod': '' } },
    'spec.template.metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead',
  ],
]);

it('an update warns of what it changes only', () => {
  const old = made('apps/Deployment', deployment, { 'spec.template.spec.nodeSelector': { 'beta.kubernetes.io/os': 'linux' } });
  const labelled = { ...old, metadata: { ...old.metadata, labels: { a: 'b' } } };
  expect(warningsFor({ group: 'apps', kind: 'Deployment' }, labelled, old)).toEqual([]);
});

warns('/Service', { spec: { ports: [{ port: 80 }] } }, [
  [{ 'spec.externalName': 'x' }, 'spec.externalName is ignored when spec.type is not "ExternalName"'],
  [
    { 'spec.externalIPs': ['2001:DB8::1'] },
    'spec.externalIPs[0]: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")',
  ],
]);

warns('networking.k8s.io/Ingress', { spec: { defaultBackend: { service: { name: 's', port: { number: 1 } } } } }, [
  [
    { 'metadata.annotations': { 'kubernetes.io/ingress.class': 'n' } },
    `annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead`,
  ],
]);
