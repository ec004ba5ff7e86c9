import type { HttpMethod } from '../http/request.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** What a URL asks for: an object of the API, or a path that is none. */
export type RequestInfo = ResourceRequest | PathRequest;

export interface ResourceRequest {
  readonly isResource: true;
  readonly verb: Verb;
  readonly method: HttpMethod;
  readonly path: string;
  readonly group: string;
  readonly version: string;
  /** Empty: all namespaces, or cluster-scoped. */
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  /** Empty for collections. */
  readonly name: string;
  /** Segments after the subresource: for `proxy`. */
  readonly rest: string;
}

export interface PathRequest {
  readonly isResource: false;
  /** The method in lower case: RBAC's verb for non-resource URLs. */
  readonly verb: string;
  readonly method: HttpMethod;
  readonly path: string;
}

/** These are subresources of a namespace, not resources within one. */
const namespaceSubresources = new Set(['status', 'finalize']);

/**
 * Reads a path as Kubernetes does. Anything that is not below `/api/VERSION/` or `/apis/GROUP/VERSION/`
 * with a resource is a plain path. Throws `URIError` for a broken percent-encoding.
 */
export function parseRequest(method: HttpMethod, path: string, query: URLSearchParams): RequestInfo {
  const plain: PathRequest = { isResource: false, verb: method.toLowerCase(), method, path };
  const parts = path.split('/').filter((part) => part !== '');
  let group = '';
  let rest: string[];
  if (parts[0] === 'api') rest = parts.slice(2);
  else if (parts[0] === 'apis') {
    group = parts[1] ?? '';
    rest = parts.slice(3);
  } else return plain;
  const version = parts[0] === 'api' ? parts[1] : parts[2];
  if (version === undefined || rest.length === 0) return plain;

  let watch = isTrue(query.get('watch'));
  if (rest[0] === 'watch') {
    rest = rest.slice(1);
    watch = true;
  }
  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 1) {
    namespace = decodeURIComponent(rest[1] ?? '');
    if (rest.length > 2 && !namespaceSubresources.has(rest[2] ?? '')) rest = rest.slice(2);
  }
  const resource = rest[0];
  if (resource === undefined) return plain;
  const name = decodeURIComponent(rest[1] ?? '');
  const subresource = rest[2] ?? '';
  const fieldName = nameOfFieldSelector(query.get('fieldSelector'));
  const verb = verbOf(method, name, watch, subresource);
  return {
    isResource: true,
    verb,
    method,
    path,
    group,
    version,
    namespace,
    resource,
    subresource,
    name: name === '' && (verb === 'list' || verb === 'watch') ? fieldName : name,
    rest: rest.slice(3).join('/'),
  };
}

function verbOf(method: HttpMethod, name: string, watch: boolean, subresource: string): Verb {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
      if (watch && subresource === '') return 'watch';
      return name === '' ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete';
  }
}

/** `metadata.name=X` narrows a list to one object, which RBAC's resourceNames can then allow. */
function nameOfFieldSelector(selector: string | null): string {
  for (const term of (selector ?? '').split(',')) {
    const match = /^metadata\.name==?([^=!].*)$/.exec(term);
    if (match?.[1] !== undefined) return match[1];
  }
  return '';
}

/** As Kubernetes reads booleans of a query: present and neither `false` nor `0`. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== 'false' && value !== '0';
}
