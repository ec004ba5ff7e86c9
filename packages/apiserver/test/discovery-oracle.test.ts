import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../src/testing/index.ts';
import type { TestApiServer } from '../src/testing/index.ts';

/** Reference facts that are published beside the repository; absent in a plain clone. */
const file = path.resolve(import.meta.dirname, '../../../../shared/oracle/resources-1.36.json');
const present = existsSync(file);

interface OracleResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: Readonly<Record<string, readonly string[]>>;
}

interface Discovered {
  readonly name: string;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

/** The reference says by which methods one connects; discovery names the verbs that these methods ask for. */
const verbOfMethod: Readonly<Record<string, string>> = {
  DELETE: 'delete',
  GET: 'get',
  HEAD: 'get',
  OPTIONS: 'get',
  PATCH: 'patch',
  POST: 'create',
  PUT: 'update',
};

/** The reference does not list these: what kubectl understands instead of the whole name. */
const shortNames: Readonly<Record<string, string>> = {
  '/componentstatuses': 'cs',
  '/configmaps': 'cm',
  '/endpoints': 'ep',
  '/events': 'ev',
  '/limitranges': 'limits',
  '/namespaces': 'ns',
  '/nodes': 'no',
  '/persistentvolumeclaims': 'pvc',
  '/persistentvolumes': 'pv',
  '/pods': 'po',
  '/replicationcontrollers': 'rc',
  '/resourcequotas': 'quota',
  '/serviceaccounts': 'sa',
  '/services': 'svc',
  'apiextensions.k8s.io/customresourcedefinitions': 'crd,crds',
  'apps/daemonsets': 'ds',
  'apps/deployments': 'deploy',
  'apps/replicasets': 'rs',
  'apps/statefulsets': 'sts',
  'autoscaling/horizontalpodautoscalers': 'hpa',
  'batch/cronjobs': 'cj',
  'certificates.k8s.io/certificatesigningrequests': 'csr',
  'events.k8s.io/events': 'ev',
  'networking.k8s.io/ingresses': 'ing',
  'networking.k8s.io/ipaddresses': 'ip',
  'networking.k8s.io/networkpolicies': 'netpol',
  'policy/poddisruptionbudgets': 'pdb',
  'scheduling.k8s.io/priorityclasses': 'pc',
  'storage.k8s.io/storageclasses': 'sc',
  'storage.k8s.io/volumeattributesclasses': 'vac',
};

const inAll = new Set(
  '/pods /replicationcontrollers /services apps/daemonsets apps/deployments apps/replicasets apps/statefulsets autoscaling/horizontalpodautoscalers batch/cronjobs batch/jobs'.split(
    ' ',
  ),
);
const extensions = new Set(['admissionregistration.k8s.io', 'apiextensions.k8s.io', 'apiregistration.k8s.io']);

/** Subresources that take or give another kind than that of their resource. */
const partKinds: Readonly<Record<string, string>> = {
  'nodes/proxy': '//NodeProxyOptions',
  'pods/attach': '//PodAttachOptions',
  'pods/binding': '//Binding',
  'pods/eviction': 'policy/v1/Eviction',
  'pods/exec': '//PodExecOptions',
  'pods/portforward': '//PodPortForwardOptions',
  'pods/proxy': '//PodProxyOptions',
  'serviceaccounts/token': 'authentication.k8s.io/v1/TokenRequest',
  'services/proxy': '//ServiceProxyOptions',
};

/** Discovery tells of connecting by its methods, and of `watch` wherever there is a list to follow. */
function verbsOf(facts: readonly string[]): string[] {
  const verbs = facts.map((verb) => (verb.startsWith('connect:') ? (verbOfMethod[verb.slice('connect:'.length)] ?? verb) : verb));
  return [...new Set(verbs)].sort();
}

function kindOf(facts: OracleResource, part: string): string {
  if (part === 'scale') return 'autoscaling/v1/Scale';
  return partKinds[`${facts.resource}/${part}`] ?? `//${facts.kind}`;
}

/** Component statuses are made up when asked for, so nobody can follow them. */
function canBeWatched({ resource, verbs }: OracleResource): boolean {
  return verbs.includes('list') && resource !== 'componentstatuses';
}

describe.skipIf(!present)('discovery agrees with the reference', () => {
  const stable = present
    ? (JSON.parse(readFileSync(file, 'utf8')) as OracleResource[]).filter(({ version }) => /^v\d+$/.test(version))
    : [];
  const baseOf = ({ group, version }: OracleResource): string => (group === '' ? `/api/${version}` : `/apis/${group}/${version}`);
  const bases = [...new Set(stable.map(baseOf))];
  let api: TestApiServer;
  const served = new Map<string, readonly Discovered[]>();

  beforeAll(async () => {
    api = await startTestApiServer({ listen: false });
    for (const base of bases) {
      const { resources } = (await api.admin.call({ method: 'GET', path: base })) as { resources: Discovered[] };
      served.set(base, resources);
    }
  });
  afterAll(() => api.close());

  it('about which groups and versions there are', async () => {
    const { groups } = (await api.admin.call({ method: 'GET', path: '/apis' })) as {
      groups: { versions: { groupVersion: string }[] }[];
    };
    const offered = groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => `/apis/${groupVersion}`));
    // Metrics come from an aggregated server elsewhere, so that the reference cannot know them.
    expect(['/api/v1', ...offered].filter((base) => base !== '/apis/metrics.k8s.io/v1beta1').sort()).toEqual([...bases].sort());
  });

  it.each(bases)('about the names under %s', (base) => {
    const expected = stable
      .filter((facts) => baseOf(facts) === base)
      .flatMap(({ resource, subresources }) => [resource, ...Object.keys(subresources).map((part) => `${resource}/${part}`)]);
    expect(served.get(base)?.map(({ name }) => name)).toEqual(expect.arrayContaining(expected));
    expect(served.get(base)?.length).toBe(expected.length);
  });

  it.each(stable)('about $group/$version $resource', (facts) => {
    const list = served.get(baseOf(facts)) ?? [];
    const mine = list.find(({ name }) => name === facts.resource);
    const key = `${facts.group}/${facts.resource}`;
    const categories = [...(inAll.has(key) ? ['all'] : []), ...(extensions.has(facts.group) ? ['api-extensions'] : [])];
    expect({ ...mine, verbs: [...(mine?.verbs ?? [])].sort() }).toMatchObject({
      kind: facts.kind,
      namespaced: facts.namespaced,
      verbs: verbsOf([...facts.verbs, ...(canBeWatched(facts) ? ['watch'] : [])]),
    });
    expect(mine?.shortNames?.join(',')).toBe(shortNames[key]);
    expect(mine?.categories ?? []).toEqual(categories);
    for (const [part, verbs] of Object.entries(facts.subresources)) {
      const found = list.find(({ name }) => name === `${facts.resource}/${part}`);
      const kind = [found?.group ?? '', found?.version ?? '', found?.kind].join('/');
      expect({ part, kind, namespaced: found?.namespaced, verbs: [...(found?.verbs ?? [])].sort() }).toEqual({
        part,
        kind: kindOf(facts, part),
        namespaced: facts.namespaced,
        verbs: verbsOf(verbs),
      });
    }
  });
});
