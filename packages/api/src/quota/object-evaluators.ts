import type { PersistentVolumeClaim, ResourceV1ResourceClaim, Service } from '../generated/types.ts';
import { Quantity } from '../quantity.ts';
import { addTo, amountsOf, oneAmount } from './amounts.ts';
import { countName, scopeAllows } from './evaluator.ts';
import type { QuotaEvaluator } from './evaluator.ts';

const outOfScope = (): boolean => false;
const nothingLacking = (): undefined => undefined;

export const serviceEvaluator: QuotaEvaluator = {
  group: '',
  resource: 'services',
  handles: (_operation, subresource) => subresource === '',
  tracks: (name) => ['count/services', 'services', 'services.nodeports', 'services.loadbalancers'].includes(name),
  inScope: outOfScope,
  lacking: nothingLacking,
  usage(object) {
    const { spec } = object as Service;
    const ports = spec?.ports ?? [];
    const used = new Map([
      ['count/services', oneAmount],
      ['services', oneAmount],
      ['services.nodeports', Quantity.ofCount(0)],
      ['services.loadbalancers', Quantity.ofCount(0)],
    ]);
    if (spec?.type === 'NodePort') used.set('services.nodeports', Quantity.ofCount(ports.length));
    if (spec?.type === 'LoadBalancer') {
      // Without allocation only the ports that were asked for by number are taken.
      const taken = spec.allocateLoadBalancerNodePorts === false ? ports.filter((port) => (port.nodePort ?? 0) !== 0) : ports;
      used.set('services.nodeports', Quantity.ofCount(taken.length)).set('services.loadbalancers', oneAmount);
    }
    return used;
  },
};

const classSuffix = '.storageclass.storage.k8s.io/';
const claimNames = ['persistentvolumeclaims', 'requests.storage'];
const betaClassAnnotation = 'volume.beta.kubernetes.io/storage-class';

export const claimEvaluator: QuotaEvaluator = {
  group: '',
  resource: 'persistentvolumeclaims',
  handles: (operation, subresource) => subresource === '' || (operation === 'UPDATE' && subresource === 'status'),
  tracks: (name) =>
    name === 'count/persistentvolumeclaims' || claimNames.some((own) => name === own || name.endsWith(`${classSuffix}${own}`)),
  inScope(scope, object) {
    if (scope.scopeName !== 'VolumeAttributesClass') return false;
    const { spec, status } = object as PersistentVolumeClaim;
    const classes = [
      spec?.volumeAttributesClassName,
      status?.currentVolumeAttributesClassName,
      status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
    ].filter(Boolean);
    return classes.length === 0 ? scopeAllows(scope, undefined) : classes.some((name) => scopeAllows(scope, name));
  },
  lacking: nothingLacking,
  usage(object) {
    const claim = object as PersistentVolumeClaim;
    const storageClass = claim.metadata.annotations?.[betaClassAnnotation] ?? claim.spec?.storageClassName ?? '';
    const used = new Map([['count/persistentvolumeclaims', oneAmount]]);
    const charge = (name: string, amount: Quantity): void => {
      used.set(name, amount);
      if (storageClass !== '') used.set(`${storageClass}${classSuffix}${name}`, amount);
    };
    charge('persistentvolumeclaims', oneAmount);
    const storage = storageOf(claim);
    if (storage !== undefined) charge('requests.storage', storage);
    return used;
  },
};

/** Whole bytes. A claim that was made smaller again still holds what was allocated to it. */
function storageOf({ spec, status }: PersistentVolumeClaim): Quantity | undefined {
  const asked = amountsOf(spec?.resources?.requests).get('storage');
  const allocated = amountsOf(status?.allocatedResources).get('storage');
  if (asked === undefined) return undefined;
  const larger = allocated !== undefined && allocated.compare(asked) > 0 ? allocated : asked;
  const whole = BigInt(1_000_000_000);
  const rest = larger.nanos % whole;
  return rest > 0n ? new Quantity(larger.nanos - rest + whole, larger.format) : larger;
}

const deviceClassSuffix = '.deviceclass.resource.k8s.io/devices';
const claimsCount = 'count/resourceclaims.resource.k8s.io';
/** The most devices that one claim can be given, which is what a request for all may take. */
const maxDevices = 32;

export const resourceClaimEvaluator: QuotaEvaluator = {
  group: 'resource.k8s.io',
  resource: 'resourceclaims',
  handles: (_operation, subresource) => subresource === '',
  tracks: (name) => name === claimsCount || name.endsWith(deviceClassSuffix),
  inScope: outOfScope,
  lacking: nothingLacking,
  usage(object) {
    const used = new Map([[claimsCount, oneAmount]]);
    for (const request of (object as ResourceV1ResourceClaim).spec?.devices?.requests ?? []) {
      if (request.exactly !== undefined) addTo(used, devicesOf(request.exactly));
      // Only one of the alternatives is taken, so each class counts with its largest.
      const most = new Map<string, Quantity>();
      for (const alternative of request.firstAvailable ?? []) {
        for (const [name, amount] of devicesOf(alternative)) {
          const present = most.get(name);
          if (present === undefined || amount.compare(present) > 0) most.set(name, amount);
        }
      }
      addTo(used, most);
    }
    return used;
  },
};

function devicesOf(request: { deviceClassName?: string | undefined; allocationMode?: string | undefined; count?: number | undefined }) {
  const count = request.allocationMode === 'All' ? maxDevices : (request.count ?? 1);
  return new Map([[`${request.deviceClassName ?? ''}${deviceClassSuffix}`, Quantity.ofCount(count)]]);
}

/** Resources that had a name in quotas before every resource could be counted. */
const oldNames = new Set(['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets']);

/** Counts objects of any other namespaced resource, built in or custom. */
export function countEvaluator(group: string, resource: string): QuotaEvaluator {
  const names = [countName(group, resource), ...(group === '' && oldNames.has(resource) ? [resource] : [])];
  const used = new Map(names.map((name) => [name, oneAmount]));
  return {
    group,
    resource,
    handles: (operation, subresource) => operation === 'CREATE' && subresource === '',
    tracks: (name) => names.includes(name),
    inScope: outOfScope,
    lacking: nothingLacking,
    usage: () => used,
  };
}
