import type { FeatureGates } from '@bayplan/api';
import { randomUUID } from 'node:crypto';
import type { ApiRequest } from '../http/request.ts';
import type { RequestInfo, ResourceRequest } from './request-info.ts';
import type { User } from './user.ts';

/** One request on its way through the chain. Steps fill it in; the comments say which one. */
export interface RequestContext {
  readonly request: ApiRequest;
  readonly info: RequestInfo;
  /** The resource of `info` is one that is served. */
  readonly knownResource: boolean;
  /** The subresource of `info` is one that its resource does not have. */
  readonly isStray?: boolean;
  /** That resource is one of a CustomResourceDefinition. */
  readonly isCustom: boolean;
  readonly startMs: number;
  /** The server's. Fields of features that are off get no defaults and are dropped from what is written. */
  readonly features: FeatureGates;
  /** `authenticate`, then possibly `impersonate`. */
  user: User;
  /** `impersonate`: who really asks, when `user` is somebody that they act as. */
  impersonator?: User;
  /** `fairness`: headers that every answer carries, refusals too. Shared. */
  responseHeaders?: Readonly<Record<string, string>>;
  /** Texts for `Warning` headers, in order. */
  readonly warnings: string[];
  /** `Audit-ID` of the answer and of its events; made when it is first asked for. */
  auditId?: string;
  /** The request is one that audit has looked at. */
  audited?: boolean;
  /** Admission's annotations of the audit event; undefined while there are none. */
  auditAnnotations?: Map<string, string>;
}

/** The id by which a request's answer and its audit events are told; the client may have chosen it. */
export function auditIdOf(context: RequestContext): string {
  return (context.auditId ??= context.request.headers['audit-id']?.slice(0, 64) || randomUUID());
}

/** Adds an annotation to the request's audit event; nothing happens when it is not recorded. */
export function annotateAudit(context: RequestContext, key: string, value: string): void {
  context.auditAnnotations?.set(key, value);
}

/** A context whose request names a resource. */
export interface ResourceContext extends RequestContext {
  readonly info: ResourceRequest;
}

export function isResourceContext(context: RequestContext): context is ResourceContext {
  return context.info.isResource;
}
