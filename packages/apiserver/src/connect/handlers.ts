import { badRequest, methodNotSupported } from '@bayplan/api';
import type { Pod } from '@bayplan/api';
import { admit } from '../admission/admission.ts';
import { connectRequest } from '../admission/connect-request.ts';
import type { ResourceContext } from '../chain/context.ts';
import type { ApiRequest } from '../http/request.ts';
import type { Registry } from '../registry/registry.ts';
import type { ServiceLink } from '../webhooks/service-link.ts';
import type { SpecialHandler } from '../registry/dispatch.ts';
import { forward } from './forward.ts';
import type { NodeLink } from './node-link.ts';
import { nodeNameOf } from './node-link.ts';
import { logPath } from './pod-streams.ts';
import { proxyTarget } from './proxy-target.ts';

/** Subresources that hand a request on to a node, a pod or a Service, by `GROUP/RESOURCE/SUBRESOURCE`. */
export function connectHandlers(nodes: NodeLink, link: ServiceLink): (readonly [string, SpecialHandler])[] {
  const proxy: SpecialHandler = async (services, context, resource) => {
    await admit(services.admission, connectRequest(context, resource, context.info.name));
    return forward(context.request, await proxyTarget(context, services.registry, nodes, link, services.random));
  };
  return [
    ['/pods/log', podLog(nodes)],
    ['/pods/exec', needsUpgrade],
    ['/pods/attach', needsUpgrade],
    ['/pods/portforward', needsUpgrade],
    ['/pods/proxy', proxy],
    ['/services/proxy', proxy],
    ['/nodes/proxy', proxy],
  ];
}

function podLog(nodes: NodeLink): SpecialHandler {
  return async (services, context, resource) => {
    if (context.info.verb !== 'get') throw methodNotSupported(resource, context.info.verb);
    const pod = await podOf(services.registry, context);
    const path = logPath(pod, context.request.query);
    const url = new URL(path, await nodes.urlOf(nodeNameOf(pod)));
    const outcome = await forward(withoutBody(context.request), { url, agent: await nodes.agent() });
    if (outcome.kind !== 'stream' || outcome.status < 400) return outcome;
    throw badRequest(await text(outcome.chunks));
  };
}

/** The same request as a GET. Not a spread: what transports hand in may make some members when they are read. */
function withoutBody(request: ApiRequest): ApiRequest {
  const { path, query, headers, peer, remoteAddress, signal } = request;
  return { method: 'GET', path, query, headers, peer, remoteAddress, signal, body: { kind: 'none' } };
}

export async function podOf(registry: Registry, context: ResourceContext): Promise<Pod> {
  const { namespace, name } = context.info;
  return (await registry.stored('', 'v1', 'pods').storage.get(namespace, name)).object as Pod;
}

const needsUpgrade: SpecialHandler = () => Promise.reject(badRequest('Upgrade request required'));

async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString('utf8').trim();
}
