import type { KubeObject } from '@bayplan/api';
import type { ServedResource } from '../served-resource.ts';

type Loose = KubeObject & { spec?: Record<string, unknown>; status?: Record<string, unknown> };

interface LooseContainer {
  readonly name?: unknown;
  readonly resources?: unknown;
  readonly resizePolicy?: unknown;
}

/**
 * What an update through `subresource` may change: everything but status through the object itself,
 * only the named part through the others. `wanted` is taken over; `old` is shared.
 */
export function partsOf(resource: ServedResource, subresource: string, wanted: KubeObject, old: KubeObject): KubeObject {
  const now = wanted as Loose;
  const before = old as Loose;
  switch (subresource) {
    case '':
      return resource.subresources.some((other) => other.name === 'status') ? withPart(now, 'status', before.status) : now;
    case 'status':
      return withPart({ ...before, metadata: now.metadata }, 'status', now.status);
    case 'finalize':
      return { ...before, metadata: now.metadata, spec: { ...before.spec, finalizers: now.spec?.['finalizers'] } } as Loose;
    case 'approval':
      return { ...before, metadata: now.metadata, status: { ...before.status, conditions: now.status?.['conditions'] } } as Loose;
    case 'ephemeralcontainers':
      return {
        ...before,
        metadata: { ...before.metadata },
        spec: { ...before.spec, ephemeralContainers: now.spec?.['ephemeralContainers'] },
      } as Loose;
    case 'resize':
      return { ...before, metadata: { ...before.metadata }, spec: resized(before.spec ?? {}, now.spec ?? {}) } as Loose;
    default:
      return now;
  }
}

function withPart(object: Loose, part: 'status', value: Record<string, unknown> | undefined): KubeObject {
  const copy: Loose = { ...object };
  if (value === undefined) delete copy[part];
  else copy[part] = value;
  return copy;
}

/** Of a resize, the resources and resize policies of the containers. */
function resized(before: Record<string, unknown>, now: Record<string, unknown>): Record<string, unknown> {
  const spec = { ...before };
  if (now['resources'] !== undefined) spec['resources'] = now['resources'];
  for (const list of ['containers', 'initContainers']) {
    if (before[list] === undefined && now[list] === undefined) continue;
    spec[list] = resizedList(containersOf(before[list]), containersOf(now[list]));
  }
  return spec;
}

/** Other containers, or another order, are passed on as they are asked for: validation refuses them by name. */
function resizedList(before: readonly LooseContainer[], now: readonly LooseContainer[]): readonly LooseContainer[] {
  if (before.length !== now.length || before.some(({ name }, at) => now[at]?.name !== name)) return now;
  return before.map((container, at) => ({ ...container, resources: now[at]?.resources, resizePolicy: now[at]?.resizePolicy }));
}

function containersOf(list: unknown): readonly LooseContainer[] {
  return Array.isArray(list) ? (list as LooseContainer[]) : [];
}
