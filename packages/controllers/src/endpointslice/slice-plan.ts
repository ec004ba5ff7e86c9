import type { Endpoint, EndpointSlice } from '@bayplan/api';
import { canonicalJson, semanticallyEqual } from '../runtime/semantic-equality.ts';
import type { EndpointGroup } from './service-endpoints.ts';

/** Endpoints that one slice holds at most. */
const maxEndpoints = 100;

export interface SlicePlan {
  readonly create: readonly { readonly group: EndpointGroup; readonly endpoints: Endpoint[] }[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly EndpointSlice[];
}

/**
 * The fewest writes that make the slices of a Service hold its endpoints. An endpoint stays in the slice that
 * has it; new ones fill slices that change anyway, then those with room, then new slices. Labels of all
 * slices are brought to `labels`.
 */
export function planSlices(
  existing: readonly EndpointSlice[],
  groups: readonly EndpointGroup[],
  labels: Readonly<Record<string, string>>,
): SlicePlan {
  const create: { group: EndpointGroup; endpoints: Endpoint[] }[] = [];
  const update: EndpointSlice[] = [];
  const remove: EndpointSlice[] = [];
  const byGroup = new Map<string, EndpointSlice[]>();
  for (const slice of existing) {
    const id = groupId(slice);
    byGroup.set(id, [...(byGroup.get(id) ?? []), slice]);
  }
  // A Service without endpoints keeps one empty slice, so that it can be told from an unknown Service.
  for (const group of groups) {
    const slices = byGroup.get(groupId(group)) ?? [];
    byGroup.delete(groupId(group));
    planGroup(group, slices, labels, create, update, remove);
  }
  remove.push(...[...byGroup.values()].flat());
  return { create, update, delete: remove };
}

function planGroup(
  group: EndpointGroup,
  slices: readonly EndpointSlice[],
  labels: Readonly<Record<string, string>>,
  create: { group: EndpointGroup; endpoints: Endpoint[] }[],
  update: EndpointSlice[],
  remove: EndpointSlice[],
): void {
  const missing = new Map(group.endpoints.map((endpoint) => [endpointId(endpoint), endpoint]));
  const planned = slices.map((slice) => {
    const endpoints: Endpoint[] = [];
    for (const endpoint of slice.endpoints ?? []) {
      const wanted = missing.get(endpointId(endpoint));
      if (wanted === undefined) continue;
      missing.delete(endpointId(endpoint));
      endpoints.push(wanted);
    }
    const changed = !semanticallyEqual(endpoints, slice.endpoints) || !hasLabels(slice, labels);
    return { slice, endpoints, changed };
  });
  const additions = [...missing.values()];
  for (const one of [...planned].sort((a, b) => Number(b.changed) - Number(a.changed) || b.endpoints.length - a.endpoints.length)) {
    const room = maxEndpoints - one.endpoints.length;
    if (additions.length === 0 || room <= 0) continue;
    one.endpoints.push(...additions.splice(0, room));
    one.changed = true;
  }
  let kept = 0;
  for (const { slice, endpoints, changed } of planned) {
    if (endpoints.length === 0 && (group.endpoints.length > 0 || kept > 0)) remove.push(slice);
    else {
      kept++;
      if (changed) update.push({ ...slice, metadata: { ...slice.metadata, labels: { ...labels } }, endpoints });
    }
  }
  while (additions.length > 0) create.push({ group, endpoints: additions.splice(0, maxEndpoints) });
  if (kept === 0 && group.endpoints.length === 0) create.push({ group, endpoints: [] });
}

function groupId(group: Pick<EndpointSlice, 'addressType'> & { readonly ports?: EndpointSlice['ports'] | EndpointGroup['ports'] }): string {
  return `${group.addressType} ${canonicalJson(group.ports ?? [])}`;
}

function endpointId(endpoint: Endpoint): string {
  return `${endpoint.targetRef?.uid ?? ''} ${endpoint.addresses[0] ?? ''}`;
}

function hasLabels(slice: EndpointSlice, labels: Readonly<Record<string, string>>): boolean {
  return semanticallyEqual(slice.metadata.labels ?? {}, labels);
}
