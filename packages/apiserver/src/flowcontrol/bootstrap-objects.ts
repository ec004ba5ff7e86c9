import type { FlowSchema, FlowcontrolV1Subject, PriorityLevelConfiguration } from '@bayplan/api';

type LevelSpec = NonNullable<PriorityLevelConfiguration['spec']>;
type SchemaSpec = NonNullable<FlowSchema['spec']>;
type Rules = NonNullable<SchemaSpec['rules']>[number];

export interface BootstrapLevel {
  readonly name: string;
  readonly mandatory: boolean;
  readonly spec: LevelSpec;
}

export interface BootstrapSchema {
  readonly name: string;
  readonly mandatory: boolean;
  readonly spec: SchemaSpec;
}

function level(name: string, shares: number, lendablePercent: number, queues: number, handSize: number): BootstrapLevel {
  const limitResponse = { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } };
  return {
    name,
    mandatory: false,
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: shares, lendablePercent, limitResponse } },
  };
}

/** The levels that a cluster begins with, as Kubernetes deals its seats. */
export const bootstrapLevels: readonly BootstrapLevel[] = [
  { name: 'exempt', mandatory: true, spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } } },
  {
    name: 'catch-all',
    mandatory: true,
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } } },
  },
  level('system', 30, 33, 64, 6),
  level('node-high', 40, 25, 64, 6),
  level('leader-election', 10, 0, 16, 4),
  level('workload-high', 40, 50, 128, 6),
  level('workload-low', 100, 90, 128, 6),
  level('global-default', 20, 50, 128, 6),
];

const groups = (...names: string[]): FlowcontrolV1Subject[] => names.map((name) => ({ kind: 'Group', group: { name } }));
const users = (...names: string[]): FlowcontrolV1Subject[] => names.map((name) => ({ kind: 'User', user: { name } }));
const kubeSystemAccounts: FlowcontrolV1Subject = { kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name: '*' } };
const anybody = groups('system:unauthenticated', 'system:authenticated');
const anyResource = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] };
const anyPath = { verbs: ['*'], nonResourceURLs: ['*'] };
const everything = (subjects: FlowcontrolV1Subject[]): Rules => ({ subjects, resourceRules: [anyResource], nonResourceRules: [anyPath] });
const leases = (verbs: string[]) => ({ verbs, apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] });

function schema(
  name: string,
  levelName: string,
  matchingPrecedence: number,
  distinguisher: 'ByUser' | 'ByNamespace' | '',
  rules: Rules,
  mandatory = false,
): BootstrapSchema {
  return {
    name,
    mandatory,
    spec: {
      priorityLevelConfiguration: { name: levelName },
      matchingPrecedence,
      ...(distinguisher === '' ? {} : { distinguisherMethod: { type: distinguisher } }),
      rules: [rules],
    },
  };
}

/** The schemas that a cluster begins with. */
export const bootstrapSchemas: readonly BootstrapSchema[] = [
  schema('exempt', 'exempt', 1, '', everything(groups('system:masters')), true),
  schema('catch-all', 'catch-all', 10_000, 'ByUser', everything(anybody), true),
  schema('probes', 'exempt', 2, '', {
    subjects: anybody,
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  schema('system-leader-election', 'leader-election', 100, 'ByUser', {
    subjects: [...users('system:kube-controller-manager', 'system:kube-scheduler'), kubeSystemAccounts],
    resourceRules: [leases(['get', 'create', 'update'])],
  }),
  schema('system-node-high', 'node-high', 400, 'ByUser', {
    subjects: groups('system:nodes'),
    resourceRules: [
      { verbs: ['*'], apiGroups: [''], resources: ['nodes', 'nodes/status'], clusterScope: true, namespaces: ['*'] },
      leases(['*']),
    ],
  }),
  schema('system-nodes', 'system', 500, 'ByUser', everything(groups('system:nodes'))),
  schema('kube-controller-manager', 'workload-high', 800, 'ByNamespace', everything(users('system:kube-controller-manager'))),
  schema('kube-scheduler', 'workload-high', 800, 'ByNamespace', everything(users('system:kube-scheduler'))),
  schema('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', everything([kubeSystemAccounts])),
  schema('service-accounts', 'workload-low', 9_000, 'ByUser', everything(groups('system:serviceaccounts'))),
  schema('global-default', 'global-default', 9_900, 'ByUser', everything(anybody)),
];
