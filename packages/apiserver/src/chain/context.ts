import type { ApiRequest } from '../http/request.ts';
import type { RequestInfo, ResourceRequest } from './request-info.ts';
import type { User } from './user.ts';

/** One request on its way through the chain. Steps fill it in; the comments say which one. */
export interface RequestContext {
  readonly request: ApiRequest;
  readonly info: RequestInfo;
  /** The resource of `info` is one that is served. */
  readonly knownResource: boolean;
  /** That resource is one of a CustomResourceDefinition. */
  readonly isCustom: boolean;
  readonly startMs: number;
  /** `authenticate`, then possibly `impersonate`. */
  user: User;
  /** `impersonate`: who really asks, when `user` is somebody that they act as. */
  impersonator?: User;
  /** Texts for `Warning` headers, in order. */
  readonly warnings: string[];
  /** Admission's annotations of the audit event; undefined while there are none. */
  auditAnnotations?: Map<string, string>;
}

/** A context whose request names a resource. */
export interface ResourceContext extends RequestContext {
  readonly info: ResourceRequest;
}

export function isResourceContext(context: RequestContext): context is ResourceContext {
  return context.info.isResource;
}
