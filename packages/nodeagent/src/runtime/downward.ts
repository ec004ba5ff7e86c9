import { milliOf, unitsOf } from '@bayplan/api';
import type { Container, Pod, ResourceFieldSelector } from '@bayplan/api';

/** What fields and resources resolve to when the pod itself does not say. */
export interface FieldSurroundings {
  readonly nodeName: string;
  readonly hostIp: string;
  readonly podIps: readonly string[];
  readonly allocatable: { readonly cpuMilli: number; readonly memoryBytes: number; readonly ephemeralBytes: number };
}

/** A field of the pod by its path, such as `metadata.labels['app']`. Maps print one `key="value"` a line. */
export function fieldValue(pod: Pod, fieldPath: string, around: FieldSurroundings): string {
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath);
  if (subscript !== null) return pod.metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2] ?? ''] ?? '';
  switch (fieldPath) {
    case 'metadata.name':
      return pod.metadata.name ?? '';
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata.uid ?? '';
    case 'metadata.labels':
      return lines(pod.metadata.labels);
    case 'metadata.annotations':
      return lines(pod.metadata.annotations);
    case 'spec.nodeName':
      return around.nodeName;
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? '';
    case 'status.hostIP':
    case 'status.hostIPs':
      return around.hostIp;
    case 'status.podIP':
      return around.podIps[0] ?? '';
    case 'status.podIPs':
      return around.podIps.join(',');
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`);
  }
}

/** A container's request or limit, divided by the divisor and rounded up; the node's allocatable where there is no limit. */
export function resourceValue(pod: Pod, container: Container, selector: ResourceFieldSelector, around: FieldSurroundings): string {
  const subject = selector.containerName
    ? ([...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].find((one) => one.name === selector.containerName) ??
      container)
    : container;
  const [kind, ...rest] = selector.resource.split('.');
  const name = rest.join('.');
  const limit = subject.resources?.limits?.[name];
  const given = kind === 'limits' ? limit : (subject.resources?.requests?.[name] ?? limit);
  const divisor = selector.divisor === undefined || selector.divisor === '0' || selector.divisor === '' ? '1' : selector.divisor;
  if (name === 'cpu') {
    const milli = given === undefined ? (kind === 'limits' ? around.allocatable.cpuMilli : 0) : milliOf(given);
    return String(Math.ceil(milli / milliOf(divisor)));
  }
  const fallback =
    kind !== 'limits'
      ? 0
      : name === 'memory'
        ? around.allocatable.memoryBytes
        : name === 'ephemeral-storage'
          ? around.allocatable.ephemeralBytes
          : 0;
  return String(Math.ceil((given === undefined ? fallback : unitsOf(given)) / unitsOf(divisor)));
}

function lines(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}
