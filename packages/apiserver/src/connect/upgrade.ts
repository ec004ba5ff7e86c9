import { methodNotSupported, pathNotFound } from '@bayplan/api';
import type { Random } from '@bayplan/component-base';
import type { ProxyTarget } from '@bayplan/streaming';
import { admit } from '../admission/admission.ts';
import type { Admission } from '../admission/admission.ts';
import { connectRequest } from '../admission/connect-request.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { accessOf } from '../authorization/authorizer.ts';
import { demandAccess } from '../chain/authorize.ts';
import { isResourceContext } from '../chain/context.ts';
import type { RequestContext } from '../chain/context.ts';
import type { ServiceLink } from '../webhooks/service-link.ts';
import type { Registry } from '../registry/registry.ts';
import { checkScope } from '../registry/scope.ts';
import { subresourceOf } from '../registry/served-resource.ts';
import { podOf } from './handlers.ts';
import { nodeNameOf } from './node-link.ts';
import type { NodeLink } from './node-link.ts';
import { commandPath, portForwardPath } from './pod-streams.ts';
import { proxyTarget } from './proxy-target.ts';

export interface UpgradeServices {
  readonly registry: Registry;
  readonly nodes: NodeLink;
  readonly services: ServiceLink;
  readonly authorizer: Authorizer;
  readonly random: Random;
  readonly admission: Admission;
}

/**
 * Where an authorised upgrade goes: exec, attach and port-forward to the pod's node, `proxy` to what it
 * names. A WebSocket arrives as GET, which `get` allows; running things in a pod needs `create` as well.
 */
export async function upgradeTarget(services: UpgradeServices, context: RequestContext): Promise<ProxyTarget> {
  if (!isResourceContext(context)) throw pathNotFound();
  const { group, version, resource, subresource, verb } = context.info;
  const { query } = context.request;
  const served = services.registry.find(group, version, resource);
  if (group !== '' || served === undefined || subresourceOf(served, subresource) === undefined) throw pathNotFound();
  checkScope(context, served);
  const admitted = (): Promise<void> => admit(services.admission, connectRequest(context, served, context.info.name));
  if (subresource === 'proxy') {
    await admitted();
    const { url, tls, open } = await proxyTarget(context, services.registry, services.nodes, services.services, services.random);
    if (open !== undefined) return { url, open };
    return { url, tls: tls ?? (resource === 'nodes' ? await services.nodes.tls() : {}) };
  }
  if (resource !== 'pods') throw pathNotFound();
  if (verb !== 'create') await demandAccess(services.authorizer, context.user, { ...accessOf(context.info), verb: 'create' });
  const pod = await podOf(services.registry, context);
  await admitted();
  const path = (): string => {
    switch (subresource) {
      case 'exec':
      case 'attach':
        return commandPath(subresource, pod, query);
      case 'portforward':
        return portForwardPath(pod, query);
      default:
        throw methodNotSupported({ group, resource }, verb);
    }
  };
  const base = await services.nodes.urlOf(nodeNameOf(pod));
  return { url: new URL(path(), base), tls: await services.nodes.tls() };
}
