import type { ResourceInfo, SubresourceInfo } from '@bayplan/api';
import { createHash } from 'node:crypto';
import { groupPriority } from '../aggregation/priorities.ts';
import type { RemoteVersion } from '../aggregation/remote-discovery.ts';
import type { RequestContext } from '../chain/context.ts';
import { clausesOf } from '../chain/negotiate.ts';
import type { Outcome } from '../chain/outcome.ts';
import type { ServerParts } from '../server-parts.ts';
import { groupOrder } from './group-order.ts';
import { compareVersions } from './version-order.ts';

interface Version {
  readonly version: string;
  readonly resources: ResourceInfo[];
  /** What another server said of it. */
  readonly remote?: RemoteVersion;
}

interface Group {
  readonly name: string;
  /** Preferred first. */
  readonly versions: readonly Version[];
}

/** `/api`, `/apis` and below: aggregated (v2) when the client accepts it, else the lists of old. */
export async function discovery(parts: ServerParts, context: RequestContext, path: string): Promise<Outcome | undefined> {
  const groups = await groupsOf(parts);
  const [, root, first, second] = path.split('/');
  if (first === undefined) return rootDocument(parts, context, groups, root === 'api');
  if (root === 'api')
    return value(
      resourceList(
        '',
        groups.find((group) => group.name === '')?.versions.find((version) => version.version === first),
      ),
    );
  const group = groups.find((candidate) => candidate.name === first && first !== '');
  if (group === undefined) return undefined;
  if (second === undefined) return value({ kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) });
  return value(
    resourceList(
      group.name,
      group.versions.find((version) => version.version === second),
    ),
  );
}

function value(document: object | undefined): Outcome | undefined {
  return document === undefined ? undefined : { kind: 'value', status: 200, value: document };
}

async function groupsOf(parts: ServerParts): Promise<Group[]> {
  const groups = new Map<string, { priority: number; versions: Map<string, Version & { readonly priority: number }> }>();
  const groupOf = (name: string, priority: number) => {
    let group = groups.get(name);
    if (group === undefined) groups.set(name, (group = { priority, versions: new Map() }));
    group.priority = Math.max(group.priority, priority);
    return group;
  };
  for (const resource of parts.registry.all()) {
    const { versions } = groupOf(resource.group, groupPriority(resource.group));
    const known = versions.get(resource.version);
    // Versions of one local group go by their names: stable ones first, then the larger number.
    if (known === undefined) versions.set(resource.version, { version: resource.version, resources: [resource], priority: 0 });
    else known.resources.push(resource);
  }
  for (const remote of await parts.aggregator.remotes()) {
    const { versions } = groupOf(remote.group, remote.groupPriority);
    const { version, versionPriority: priority } = remote;
    versions.set(version, { version, resources: [], priority, remote: await remote.discovery.current() });
  }
  return [...groups]
    .sort(([a, one], [b, other]) => other.priority - one.priority || groupOrder(a) - groupOrder(b) || (a < b ? -1 : 1))
    .map(([name, { versions }]) => ({
      name,
      versions: [...versions.values()].sort((a, b) => b.priority - a.priority || compareVersions(a.version, b.version)),
    }));
}

function rootDocument(parts: ServerParts, context: RequestContext, groups: readonly Group[], core: boolean): Outcome {
  const shown = groups.filter((group) => (group.name === '') === core);
  const wanted = aggregatedVersion(context.request.headers['accept']);
  if (wanted !== undefined) {
    const document = {
      kind: 'APIGroupDiscoveryList',
      apiVersion: `apidiscovery.k8s.io/${wanted}`,
      metadata: {},
      items: shown.map(aggregated),
    };
    const bytes = Buffer.from(JSON.stringify(document));
    return {
      kind: 'bytes',
      status: 200,
      contentType: `application/json;g=apidiscovery.k8s.io;v=${wanted};as=APIGroupDiscoveryList`,
      bytes,
      headers: { etag: `"${createHash('sha256').update(bytes).digest('hex').toUpperCase()}"`, vary: 'Accept', 'cache-control': 'public' },
    };
  }
  if (!core) return { kind: 'value', status: 200, value: { kind: 'APIGroupList', apiVersion: 'v1', groups: shown.map(groupEntry) } };
  const serverAddress = `${parts.settings.advertiseAddress}:${(parts.options.port ?? 6443).toString()}`;
  return {
    kind: 'value',
    status: 200,
    value: { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] },
  };
}

function aggregatedVersion(accept: string | undefined): 'v2' | 'v2beta1' | undefined {
  for (const { type, parameters } of clausesOf(accept ?? '')) {
    const version = parameters.get('v');
    if (parameters.get('as') === 'APIGroupDiscoveryList') {
      if (type === 'application/json' && (version === 'v2' || version === 'v2beta1')) return version;
      continue;
    }
    if (type === 'application/json' || type === '*/*') return undefined;
  }
  return undefined;
}

function groupEntry(group: Group) {
  const versions = group.versions.map(({ version }) => ({ groupVersion: `${group.name}/${version}`, version }));
  return { name: group.name, versions, preferredVersion: versions[0] };
}

function aggregated(group: Group): object {
  return {
    metadata: { name: group.name, creationTimestamp: null },
    versions: group.versions.map(({ version, resources, remote }) => ({
      version,
      freshness: remote?.stale ? 'Stale' : 'Current',
      resources: remote?.resources ?? resources.map((resource) => aggregatedResource(resource)),
    })),
  };
}

function aggregatedResource(resource: ResourceInfo): object {
  return {
    resource: resource.resource,
    responseKind: { group: resource.group, version: resource.version, kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    ...(resource.subresources.length === 0
      ? {}
      : {
          subresources: resource.subresources.map((subresource) => ({
            subresource: subresource.name,
            responseKind: { group: subresource.group, version: subresource.version, kind: subresource.kind },
            verbs: subresource.verbs,
          })),
        }),
  };
}

function resourceList(group: string, version: Version | undefined): object | undefined {
  if (version === undefined) return undefined;
  const resources = version.resources.flatMap((resource) => [
    {
      name: resource.resource,
      singularName: resource.singular,
      namespaced: resource.namespaced,
      kind: resource.kind,
      verbs: resource.verbs,
      ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
      ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    },
    ...resource.subresources.map((subresource) => subresourceEntry(resource, subresource)),
  ]);
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group === '' ? version.version : `${group}/${version.version}`,
    resources,
  };
}

function subresourceEntry(resource: ResourceInfo, subresource: SubresourceInfo): object {
  const other = subresource.group !== resource.group || subresource.version !== resource.version;
  return {
    name: `${resource.resource}/${subresource.name}`,
    singularName: '',
    namespaced: resource.namespaced,
    kind: subresource.kind,
    ...(other ? { group: subresource.group, version: subresource.version } : {}),
    verbs: subresource.verbs,
  };
}
