import { isAlreadyExists, isConflict, isNotFound, resources } from '@bayplan/api';
import type { APIService, CustomResourceDefinition } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import type { Registry } from '../registry/registry.ts';
import { customGroupPriority, customVersionPriority, groupPriority, versionPriority } from './priorities.ts';

const managed = 'kube-aggregator.kubernetes.io/automanaged';

/** The name of the APIService of a group and version: `v1.apps`; `v1.` for the core group. */
export function serviceName(group: string, version: string): string {
  return `${version}.${group}`;
}

/** Creates the APIServices of what this server answers itself, and removes those of definitions that are gone. */
export async function syncLocalServices(registry: Registry, client: Client): Promise<void> {
  const { cache } = registry.stored('apiregistration.k8s.io', 'v1', 'apiservices').storage;
  const definitions = registry.stored('apiextensions.k8s.io', 'v1', 'customresourcedefinitions').storage;
  await Promise.all([cache.start(), definitions.cache.start()]);
  const wanted = new Map<string, APIService>();
  for (const resource of registry.all()) {
    if (resource.custom !== undefined || resource.group === 'apiregistration.k8s.io') continue;
    const { group, version } = resource;
    wanted.set(serviceName(group, version), local(group, version, 'onstart', groupPriority(group), versionPriority(group, version)));
  }
  for (const { stored } of definitions.cache.list({ matches: () => true })) {
    const { spec, status, metadata } = stored.object as CustomResourceDefinition;
    const established = (status?.conditions ?? []).some((condition) => condition.type === 'Established' && condition.status === 'True');
    if (!established || metadata.deletionTimestamp) continue;
    for (const { name, served } of spec.versions) {
      const id = serviceName(spec.group, name);
      if (served && !wanted.has(id)) wanted.set(id, local(spec.group, name, 'true', customGroupPriority, customVersionPriority));
    }
  }
  const present = new Map(cache.list({ matches: () => true }).map((entry) => [entry.name, entry.stored.object as APIService]));
  for (const [name, service] of wanted) if (!present.has(name)) await quietly(client.create(resources.apiServices, service));
  for (const [name, { metadata }] of present) {
    if (metadata.labels?.[managed] === 'true' && !wanted.has(name)) await quietly(client.delete(resources.apiServices, { name }));
  }
}

function local(group: string, version: string, how: 'onstart' | 'true', groupPriorityMinimum: number, priority: number): APIService {
  return {
    metadata: { name: serviceName(group, version), labels: { [managed]: how } },
    // The core group is named by its absence.
    spec: { ...(group === '' ? {} : { group }), version, groupPriorityMinimum, versionPriority: priority },
  };
}

/** Other servers of the cluster do the same at the same time. */
async function quietly(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isAlreadyExists(error) && !isNotFound(error) && !isConflict(error)) throw error;
  }
}
