import { describe, expect, it } from 'vitest';
import { parseRequest } from '../../src/chain/request-info.ts';

const parse = (method: 'GET' | 'POST' | 'DELETE', url: string) => {
  const [path = '', query = ''] = url.split('?');
  return parseRequest(method, path, new URLSearchParams(query));
};

describe('parseRequest', () => {
  it.each([
    ['GET', '/api/v1/namespaces/d/pods', 'list', '', 'd', 'pods', '', ''],
    ['GET', '/api/v1/namespaces/d/pods?watch=true', 'watch', '', 'd', 'pods', '', ''],
    ['GET', '/api/v1/watch/namespaces/d/pods', 'watch', '', 'd', 'pods', '', ''],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name%3Dx', 'list', '', '', 'pods', '', 'x'],
    ['GET', '/api/v1/namespaces/d', 'get', '', 'd', 'namespaces', '', 'd'],
    ['GET', '/api/v1/namespaces/d/status', 'get', '', 'd', 'namespaces', 'status', 'd'],
    ['POST', '/api/v1/namespaces/d/pods/p/exec', 'create', '', 'd', 'pods', 'exec', 'p'],
    ['DELETE', '/apis/apps/v1/namespaces/d/deployments', 'deletecollection', 'apps', 'd', 'deployments', '', ''],
    ['DELETE', '/apis/apps/v1/namespaces/d/deployments/x', 'delete', 'apps', 'd', 'deployments', '', 'x'],
    ['GET', '/api/v1/nodes/n/proxy/metrics/cadvisor', 'get', '', '', 'nodes', 'proxy', 'n'],
  ] as const)('%s %s is %s', (method, url, verb, group, namespace, resource, subresource, name) => {
    expect(parse(method, url)).toMatchObject({ isResource: true, verb, group, namespace, resource, subresource, name });
  });

  it('keeps what follows a proxy subresource', () => {
    expect(parse('GET', '/api/v1/nodes/n/proxy/metrics/cadvisor')).toMatchObject({ rest: 'metrics/cadvisor' });
  });

  it.each(['/healthz', '/api', '/api/v1', '/apis/apps', '/apis/apps/v1', '/openapi/v3/apis/apps/v1'])('%s is a plain path', (path) => {
    expect(parse('GET', path)).toMatchObject({ isResource: false, verb: 'get', path });
  });
});
