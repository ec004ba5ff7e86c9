import type { KubeObject } from '@bayplan/api';
import type { ResourceContext } from '../chain/context.ts';
import { isTrue } from '../chain/request-info.ts';
import type { ServedResource } from '../registry/served-resource.ts';
import { admissionRequest } from './admission.ts';
import type { AdmissionRequest } from './admission.ts';

const optionKinds: Readonly<Record<string, string>> = {
  'pods/exec': 'PodExecOptions',
  'pods/attach': 'PodAttachOptions',
  'pods/portforward': 'PodPortForwardOptions',
  'pods/proxy': 'PodProxyOptions',
  'services/proxy': 'ServiceProxyOptions',
  'nodes/proxy': 'NodeProxyOptions',
};

/** The question that opening a stream into a pod, Service or node puts to admission: its options are the object. */
export function connectRequest(context: ResourceContext, resource: ServedResource, name: string): AdmissionRequest {
  const { info } = context;
  const kind = optionKinds[`${info.resource}/${info.subresource}`] ?? 'NodeProxyOptions';
  return admissionRequest(context, {
    operation: 'CONNECT',
    resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name,
    object: { kind, apiVersion: 'v1', ...optionsOf(context) } as unknown as KubeObject,
    old: undefined,
    bodyKind: { group: '', version: 'v1', kind },
    dryRun: false,
  });
}

function optionsOf({ info, request }: ResourceContext): Record<string, unknown> {
  const { query } = request;
  switch (info.subresource) {
    case 'exec':
    case 'attach': {
      const flags = Object.fromEntries(
        ['stdin', 'stdout', 'stderr', 'tty'].filter((flag) => isTrue(query.get(flag))).map((flag) => [flag, true]),
      );
      const container = query.get('container');
      const command = info.subresource === 'exec' ? { command: query.getAll('command') } : {};
      return { ...flags, ...(container ? { container } : {}), ...command };
    }
    case 'portforward': {
      const ports = query
        .getAll('ports')
        .flatMap((text) => text.split(','))
        .map(Number);
      return ports.length === 0 ? {} : { ports };
    }
    default:
      return { path: `/${info.rest}` };
  }
}
