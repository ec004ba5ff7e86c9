import { isNotFound, resources } from '@bayplan/api';
import type { EndpointSlice, KubeObject, ResourceRef } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import type { Informer, WorkQueue } from '@bayplan/client';
import { controllerReference } from '../owners/owner-references.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import type { EndpointGroup } from './service-endpoints.ts';
import { planSlices } from './slice-plan.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';
const serviceIndex = 'service';

/** Whose slices they are, and what they carry. */
export interface SliceOwner {
  readonly ref: ResourceRef;
  readonly object: KubeObject;
  /** All labels of the slices; `managed-by` tells them from those of others. */
  readonly labels: Readonly<Record<string, string>>;
  /** Of slices that are written; they do not cause a write by themselves. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The `namespace/name` of the Service that a slice belongs to. */
export function serviceOfSlice(slice: EndpointSlice): readonly string[] {
  const name = slice.metadata.labels?.[serviceNameLabel];
  return name === undefined ? [] : [`${slice.metadata.namespace ?? ''}/${name}`];
}

/** Makes an informer of slices answer `ownSlices`. May be called again. */
export function indexByService(slices: Informer<EndpointSlice>): Informer<EndpointSlice> {
  slices.addIndexers({ [serviceIndex]: serviceOfSlice });
  return slices;
}

/** The slices of a Service that one manager writes. */
export function ownSlices(slices: Informer<EndpointSlice>, key: string, manager: string): EndpointSlice[] {
  return slices.lister
    .byIndex(serviceIndex, key)
    .filter((slice) => slice.metadata.labels?.[managedByLabel] === manager && slice.metadata.deletionTimestamp === undefined);
}

/** Brings the slices of a Service to hold `groups`, with the fewest writes, and waits until the cache shows them. */
export async function writeSlices(
  context: ControllerContext,
  slices: Informer<EndpointSlice>,
  queue: WorkQueue,
  key: string,
  owner: SliceOwner,
  groups: readonly EndpointGroup[],
): Promise<void> {
  const { client, signal } = context;
  const { labels, annotations = {} } = owner;
  const { namespace, name = '' } = owner.object.metadata;
  const plan = planSlices(ownSlices(slices, key, labels[managedByLabel] ?? ''), groups, labels);
  const hasAnnotations = Object.keys(annotations).length > 0;
  for (const { group, endpoints } of plan.create) {
    const metadata = {
      ...(namespace ? { namespace } : {}),
      generateName: `${name}-`,
      labels: { ...labels },
      ...(hasAnnotations ? { annotations: { ...annotations } } : {}),
      ownerReferences: [controllerReference(owner.ref, owner.object)],
    };
    const slice: EndpointSlice = { metadata, addressType: group.addressType, endpoints, ports: [...group.ports] };
    await seen(context, slices, queue, key, await client.create(resources.endpointSlices, slice, { signal }));
  }
  for (const slice of plan.update) {
    const metadata = hasAnnotations
      ? { ...slice.metadata, annotations: { ...slice.metadata.annotations, ...annotations } }
      : slice.metadata;
    await seen(context, slices, queue, key, await client.update(resources.endpointSlices, { ...slice, metadata }, { signal }));
  }
  for (const slice of plan.delete) {
    const { uid, name: sliceName = '' } = slice.metadata;
    try {
      await client.delete(resources.endpointSlices, { namespace, name: sliceName }, { ...(uid ? { preconditions: { uid } } : {}), signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** Waits until the cache holds what was written, or the next reconcile would write it again. */
async function seen(
  context: ControllerContext,
  slices: Informer<EndpointSlice>,
  queue: WorkQueue,
  key: string,
  written: EndpointSlice,
): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const cached = slices.lister.get(keyOf(written));
    if (cached !== undefined && Number(cached.metadata.resourceVersion) >= Number(written.metadata.resourceVersion)) return;
    await context.clock.sleep(20, context.signal);
  }
  queue.addAfter(key, 1000);
}
