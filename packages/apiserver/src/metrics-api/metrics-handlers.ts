import { formatTime, methodNotSupported, notFound, parseFieldSelector, parseLabelSelector } from '@bayplan/api';
import type { KubeObject, Node, Pod } from '@bayplan/api';
import type { ResourceContext } from '../chain/context.ts';
import type { SpecialHandler } from '../registry/dispatch.ts';
import type { Registry } from '../registry/registry.ts';
import type { NodeUsage } from './usage.ts';
import { usageList } from './usage.ts';
import type { UsageSource } from './usage-source.ts';
import { metricsGroup, metricsVersion } from './metrics-resources.ts';

const apiVersion = `${metricsGroup}/${metricsVersion}`;

/** `nodes` and `pods` of the metrics API: what `kubectl top` shows and autoscalers decide by. */
export function metricsHandlers(usage: UsageSource): [string, SpecialHandler][] {
  const handler =
    (kind: 'NodeMetrics' | 'PodMetrics', read: (registry: Registry, context: ResourceContext) => Promise<object[]>): SpecialHandler =>
    async ({ registry }, context, resource) => {
      const { verb, name, namespace } = context.info;
      if (verb !== 'get' && verb !== 'list') throw methodNotSupported(resource, verb);
      const items = await read(registry, context);
      if (verb === 'list') return { kind: 'value', status: 200, value: { kind: `${kind}List`, apiVersion, metadata: {}, items } };
      const item = items[0];
      const shown = namespace === '' ? name : `${namespace}/${name}`;
      if (item === undefined) throw notFound({ group: metricsGroup, resource: resource.resource }, shown);
      return { kind: 'value', status: 200, value: { kind, apiVersion, ...item } };
    };
  return [
    [
      `${metricsGroup}/nodes`,
      handler('NodeMetrics', async (registry, context) => nodeMetrics(await select<Node>(registry, context, 'nodes'), usage)),
    ],
    [
      `${metricsGroup}/pods`,
      handler('PodMetrics', async (registry, context) => podMetrics(registry, await select<Pod>(registry, context, 'pods'), usage)),
    ],
  ];
}

/** The objects that a request is about. */
async function select<T extends KubeObject>(registry: Registry, context: ResourceContext, resource: 'nodes' | 'pods'): Promise<T[]> {
  const { cache } = registry.stored('', 'v1', resource).storage;
  await cache.fresh();
  const { namespace, name } = context.info;
  const labels = parseLabelSelector(context.request.query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(context.request.query.get('fieldSelector') ?? '');
  const valueOf = (object: KubeObject, field: string): string =>
    field === 'metadata.name' ? (object.metadata.name ?? '') : field === 'metadata.namespace' ? (object.metadata.namespace ?? '') : '';
  return cache
    .list({
      indexValue: undefined,
      namespace: namespace === '' ? undefined : namespace,
      name: name === '' ? undefined : name,
      matches: () => true,
    })
    .map((entry) => entry.stored.object as unknown as T)
    .filter((object) => labels.matches(object.metadata.labels) && fields.matches((field) => valueOf(object, field)));
}

async function nodeMetrics(nodes: readonly Node[], usage: UsageSource): Promise<object[]> {
  const readings = await usage.of(nodes);
  return nodes.flatMap((node) => {
    const reading = readings.get(node.metadata.name ?? '');
    return reading === undefined ? [] : [{ metadata: metadataOf(node), ...timesOf(reading), usage: usageList(reading.node) }];
  });
}

async function podMetrics(registry: Registry, pods: readonly Pod[], usage: UsageSource): Promise<object[]> {
  const names = new Set(pods.map((pod) => pod.spec?.nodeName ?? ''));
  const { cache } = registry.stored('', 'v1', 'nodes').storage;
  await cache.start();
  const nodes = [...names].flatMap((name) => cache.get('', name)?.stored.object ?? []) as Node[];
  const readings = await usage.of(nodes);
  return pods.flatMap((pod) => {
    const reading = readings.get(pod.spec?.nodeName ?? '');
    const containers = reading?.pods.get(`${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''}`);
    if (reading === undefined || containers === undefined || pod.status?.phase !== 'Running') return [];
    const shown = [...containers].map(([name, used]) => ({ name, usage: usageList(used) }));
    return [{ metadata: metadataOf(pod), ...timesOf(reading), containers: shown }];
  });
}

function metadataOf({ metadata }: KubeObject): object {
  const { name, namespace, labels, creationTimestamp } = metadata;
  return { name, ...(namespace ? { namespace } : {}), creationTimestamp, ...(labels ? { labels } : {}) };
}

function timesOf({ atMs, windowMs }: NodeUsage): { timestamp: string; window: string } {
  return { timestamp: formatTime(atMs), window: `${(windowMs / 1000).toFixed(3)}s` };
}
