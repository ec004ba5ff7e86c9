import type { Registry } from '../registry/registry.ts';

/** The name of the class of a resource that is annotated as the default: the newest, then by name. Undefined without one. */
export async function defaultClassOf(registry: Registry, group: string, resource: string, annotation: string): Promise<string | undefined> {
  const { cache } = registry.stored(group, 'v1', resource).storage;
  await cache.start();
  const defaults = cache
    .list({ matches: () => true })
    .map((entry) => entry.stored.object.metadata)
    .filter((metadata) => metadata.annotations?.[annotation] === 'true');
  const newestFirst = defaults.sort((a, b) => {
    const order = Date.parse(b.creationTimestamp ?? '') - Date.parse(a.creationTimestamp ?? '');
    return order !== 0 ? order : (a.name ?? '') < (b.name ?? '') ? -1 : 1;
  });
  return newestFirst[0]?.name;
}
