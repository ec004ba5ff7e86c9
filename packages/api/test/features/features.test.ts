import { describe, expect, it } from 'vitest';
import {
  applyDefaults,
  builtinResources,
  decodeObject,
  defaultFeatureGates,
  dropDisabledFields,
  features,
  parseFeatureGates,
  schemaFor,
} from '../../src/index.ts';
import { featureFields } from '../../src/features/fields.ts';

describe('a flag with feature gates', () => {
  it.each([
    ['NoSuch=true', 'unrecognized feature gate: NoSuch'],
    ['EnvFiles', 'missing bool value for EnvFiles'],
    ['EnvFiles=maybe', 'invalid value of EnvFiles=maybe, err: strconv.ParseBool: parsing "maybe": invalid syntax'],
    ['SidecarContainers=false', 'cannot set feature gate SidecarContainers to false, feature is locked to true'],
    ['EnvFiles=toString', 'invalid value of EnvFiles=toString, err: strconv.ParseBool: parsing "toString": invalid syntax'],
  ])('%s is refused', (flag, message) => {
    expect(() => parseFeatureGates(flag)).toThrow(message);
  });

  it('sets those it names, and stages', () => {
    const gates = parseFeatureGates('EnvFiles=false, SidecarContainers=true,AllAlpha=true,ContainerStopSignals=0');
    expect(gates.get('EnvFiles')).toBe(false);
    expect(gates.get('HPAScaleToZero')).toBe(true);
    expect(gates.get('ContainerStopSignals')).toBe(false);
    expect(gates.get('SELinuxMount')).toBe(false);
  });
});

describe('fields of features', () => {
  const pods = { group: '', kind: 'Pod' };
  const pod = (signal: boolean) => ({ spec: { containers: [{ name: 'a', lifecycle: signal ? { stopSignal: 'SIGUSR1' } : {} }] } });

  it('are of features that are known', () => {
    expect(Object.keys(featureFields).filter((gate) => !features.has(gate))).toEqual([]);
  });

  it('are dropped while their feature is off', () => {
    const object = pod(true);
    dropDisabledFields(defaultFeatureGates, pods, object, undefined);
    expect(object).toEqual(pod(false));
    const claim = { spec: { dataSourceRef: { kind: 'K', name: 'n', namespace: 'other' } } };
    dropDisabledFields(defaultFeatureGates, { group: '', kind: 'PersistentVolumeClaim' }, claim, undefined);
    expect(claim).toEqual({ spec: { dataSourceRef: { kind: 'K', name: 'n' } } });
  });

  const withDefaults = builtinResources.filter(({ group, version, kind }) => schemaFor(group, version, kind)?.fields.has('spec') === true);
  const container = { name: 'c', image: 'i', resources: { limits: { cpu: '1', memory: '1Mi', 'hugepages-2Mi': '2Mi' } } };
  const podSpec = { containers: [container], initContainers: [container], volumes: [{ name: 'v' }] };
  const podTemplate = { spec: podSpec };
  const bases = [{}, podSpec, { template: podTemplate }, { jobTemplate: { spec: { template: podTemplate } } }];

  it.each(withDefaults.map((ref) => [`${ref.group}/${ref.version} ${ref.kind}`, ref] as const))(
    'get no defaults in %s while their feature is off',
    (_, ref) => {
      const off = new Map<string, boolean>();
      for (const spec of bases) {
        const { object } = decodeObject(schemaFor(ref.group, ref.version, ref.kind)!, { spec }, { validation: 'Ignore' });
        dropDisabledFields(off, ref, object, undefined);
        applyDefaults(ref.group, ref.version, ref.kind, object, off);
        const dropped = structuredClone(object);
        dropDisabledFields(off, ref, dropped, undefined);
        expect(dropped).toEqual(object);
      }
    },
  );

  it('stay where they were already', () => {
    const object = pod(true);
    dropDisabledFields(defaultFeatureGates, pods, object, pod(true));
    expect(object).toEqual(pod(true));
    dropDisabledFields(defaultFeatureGates, pods, object, pod(false));
    expect(object).toEqual(pod(false));
  });

  it('stay while their feature is on', () => {
    const object = pod(true);
    dropDisabledFields(parseFeatureGates('ContainerStopSignals=true'), pods, object, undefined);
    expect(object).toEqual(pod(true));
    const job = { spec: { template: { spec: { hostUsers: false } } } };
    dropDisabledFields(parseFeatureGates('UserNamespacesSupport=false'), { group: 'batch', kind: 'Job' }, job, undefined);
    expect(job).toEqual({ spec: { template: { spec: {} } } });
  });
});
