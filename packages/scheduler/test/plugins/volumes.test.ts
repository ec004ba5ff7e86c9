import type { CSINode, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '@bayplan/api';
import { beforeEach, describe, expect, it } from 'vitest';
import type { VolumeView } from '../../src/framework/volumes.ts';
import { PlacementCore } from '../../src/placement-core.ts';
import { defaultProfile } from '../../src/plugins/default-profile.ts';
import { node, pod } from '../support/objects.ts';

const claims = new Map<string, PersistentVolumeClaim>();
const volumes = new Map<string, PersistentVolume>();
const classes = new Map<string, StorageClass>();
const csiNodes = new Map<string, CSINode>();
const taken = new Set<string>();
const view: VolumeView = {
  claim: (key) => claims.get(key),
  volume: (name) => volumes.get(name),
  storageClass: (name) => classes.get(name),
  csiNode: (name) => csiNodes.get(name),
  candidates: () => [...volumes.values()],
  taken,
};

beforeEach(() => {
  for (const map of [claims, volumes, classes, csiNodes]) map.clear();
  taken.clear();
  classes.set('late', { metadata: { name: 'late' }, provisioner: 'example.com/x', volumeBindingMode: 'WaitForFirstConsumer' });
  classes.set('static', {
    metadata: { name: 'static' },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
});

function setUp(): PlacementCore {
  const core = new PlacementCore({ profile: defaultProfile, seed: 1 });
  core.cache.columns.volumes = view;
  for (const name of ['a', 'b']) core.cache.setNode(node(name, { labels: { 'topology.kubernetes.io/zone': `zone-${name}` } }));
  return core;
}

function addClaim(name: string, storageClassName: string, bound?: string, more: Partial<PersistentVolumeClaim['metadata']> = {}): void {
  claims.set(`default/${name}`, {
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      ...(bound ? { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } } : {}),
      ...more,
    },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName,
      resources: { requests: { storage: '1Gi' } },
      ...(bound ? { volumeName: bound } : {}),
    },
    status: { phase: bound ? 'Bound' : 'Pending' },
  });
}

function addVolume(name: string, storageClassName: string, nodeName?: string, more: Partial<PersistentVolume> = {}): void {
  const nodeSelectorTerms = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [nodeName ?? ''] }] }];
  volumes.set(name, {
    metadata: { name, ...more.metadata },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      storageClassName,
      ...(nodeName ? { nodeAffinity: { required: { nodeSelectorTerms } } } : {}),
      ...more.spec,
    },
    status: { phase: 'Available' },
  });
}

const using = (...names: string[]): Pod =>
  pod(`uses-${names.join('-')}`, {}, { volumes: names.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })) });

function verdict(core: PlacementCore, one: Pod): string {
  const decision = core.decide(one);
  return decision.kind === 'placed' ? decision.nodeName : decision.message;
}

describe('claims of a pod', () => {
  const none = '0/2 nodes are available: ';
  it.each<[string, () => void, string]>([
    ['that is missing', () => undefined, `${none}persistentvolumeclaim "c" not found.`],
    [
      'that is being deleted',
      () => addClaim('c', 'late', undefined, { deletionTimestamp: 'now' }),
      `${none}persistentvolumeclaim "c" is being deleted.`,
    ],
    ['that nothing has bound yet', () => addClaim('c', 'immediate'), `${none}pod has unbound immediate PersistentVolumeClaims.`],
    [
      'whose volume is gone',
      () => addClaim('c', 'late', 'gone'),
      `${none}2 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s).`,
    ],
    ['for which no volume is left', () => addClaim('c', 'static'), `${none}2 node(s) didn't find available persistent volumes to bind.`],
  ])('%s keep it waiting', (_name, arrange, message) => {
    const core = setUp();
    arrange();
    expect(verdict(core, using('c'))).toBe(message);
  });

  it('bound to a volume of one node bring the pod there, also after the plan was made', () => {
    const core = setUp();
    addClaim('c', 'late');
    const waiting = using('c');
    expect(core.decide(waiting).kind).toBe('placed');
    addVolume('v', 'late', 'b');
    addClaim('c', 'late', 'v');
    expect(verdict(core, waiting)).toBe('b');
    core.cache.removeNode('b');
    expect(verdict(core, waiting)).toBe("0/1 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity.");
  });

  it('take a volume that is there before one is made, and none that is promised to another', () => {
    const core = setUp();
    addClaim('c', 'static');
    addVolume('v', 'static', 'a');
    expect(verdict(core, using('c'))).toBe('a');
    taken.add('v');
    expect(verdict(core, using('c'))).toContain("didn't find available persistent volumes");
  });

  it('two of one pod need two volumes of one node', () => {
    const core = setUp();
    addClaim('c', 'static');
    addClaim('d', 'static');
    addVolume('v1', 'static', 'a');
    addVolume('v2', 'static', 'b');
    expect(verdict(core, using('c', 'd'))).toContain("2 node(s) didn't find available persistent volumes to bind");
    addVolume('v3', 'static', 'b');
    expect(verdict(core, using('c', 'd'))).toBe('b');
  });

  it('whose provisioner works for a node keep to that node', () => {
    const core = setUp();
    addClaim('c', 'late', undefined, { annotations: { 'volume.kubernetes.io/selected-node': 'b' } });
    expect(verdict(core, using('c'))).toBe('b');
  });

  it('keep to the zone of their volume', () => {
    const core = setUp();
    addClaim('c', 'late', 'v');
    addVolume('v', 'late', undefined, { metadata: { labels: { 'topology.kubernetes.io/zone': 'zone-b' } } });
    expect(verdict(core, using('c'))).toBe('b');
    addVolume('v', 'late', undefined, { metadata: { labels: { 'topology.kubernetes.io/zone': 'zone-x__zone-y' } } });
    expect(verdict(core, using('c'))).toBe('0/2 nodes are available: 2 node(s) had no available volume zone.');
  });

  it('for one pod only keep a second pod out', () => {
    const core = setUp();
    addClaim('c', 'late', 'v');
    addVolume('v', 'late');
    const claim = claims.get('default/c');
    if (claim?.spec) claim.spec.accessModes = ['ReadWriteOncePod'];
    core.cache.assume({ ...using('c'), metadata: { namespace: 'default', name: 'first', uid: 'first' } }, 'a');
    expect(verdict(core, using('c'))).toContain(
      '2 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode',
    );
  });

  it('stop at what a driver can attach to a node', () => {
    const core = setUp();
    const csi = (volumeHandle: string) => ({ spec: { csi: { driver: 'disk', volumeHandle } } }) as Partial<PersistentVolume>;
    for (const name of ['c', 'd']) {
      addClaim(name, 'late', `v${name}`);
      addVolume(`v${name}`, 'late', undefined, csi(name));
    }
    for (const name of ['a', 'b'])
      csiNodes.set(name, { metadata: { name }, spec: { drivers: [{ name: 'disk', nodeID: name, allocatable: { count: 1 } }] } });
    core.cache.assume({ ...using('c'), metadata: { namespace: 'default', name: 'first', uid: 'first' } }, 'a');
    expect(verdict(core, using('d'))).toBe('b');
    core.cache.assume({ ...using('d'), metadata: { namespace: 'default', name: 'second', uid: 'second' } }, 'b');
    // What is attached already may be used by more pods.
    expect(verdict(core, using('c'))).toBe('a');
    addClaim('e', 'late', 've');
    addVolume('ve', 'late', undefined, csi('e'));
    expect(verdict(core, using('e'))).toBe('0/2 nodes are available: 2 node(s) exceed max volume count.');
  });
});
