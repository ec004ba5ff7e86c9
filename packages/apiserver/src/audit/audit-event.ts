import { decodeProtobuf, isProtobuf } from '@bayplan/api';
import { microTimestamp } from '@bayplan/component-base';
import { parse } from 'yaml';
import type { RequestContext } from '../chain/context.ts';
import { listHead, objectIn } from '../chain/encode.ts';
import type { Outcome } from '../chain/outcome.ts';
import type { User } from '../chain/user.ts';
import type { AuditDecision, AuditStage } from './audit-policy.ts';

/** What is known of an answer. */
export interface AuditedAnswer {
  readonly code: number;
  /** Of failures. */
  readonly status?: object | undefined;
  /** The body, where the level wants it. */
  readonly object?: unknown;
}

/** One event of `audit.k8s.io/v1`. */
export function auditEvent(
  context: RequestContext,
  auditId: string,
  decision: AuditDecision,
  stage: AuditStage,
  nowMs: number,
  answer: AuditedAnswer | undefined,
  requestObject: unknown,
): object {
  const { info, request } = context;
  const who = context.impersonator ?? context.user;
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: decision.level,
    auditID: auditId,
    stage,
    requestURI: request.url ?? urlOf(request.path, request.query),
    verb: info.verb,
    user: userInfo(who),
    ...(context.impersonator === undefined ? {} : { impersonatedUser: userInfo(context.user) }),
    sourceIPs: sourcesOf(request.headers, request.remoteAddress),
    ...(request.headers['user-agent'] === undefined ? {} : { userAgent: request.headers['user-agent'] }),
    ...(info.isResource ? { objectRef: referenceOf(info, answer?.object) } : {}),
    ...(answer === undefined ? {} : { responseStatus: answer.status ?? { metadata: {}, code: answer.code } }),
    ...(requestObject === undefined ? {} : { requestObject }),
    ...(answer?.object === undefined || decision.level !== 'RequestResponse' ? {} : { responseObject: answer.object }),
    requestReceivedTimestamp: microTimestamp(context.startMs),
    stageTimestamp: microTimestamp(nowMs),
    ...(context.auditAnnotations === undefined || context.auditAnnotations.size === 0
      ? {}
      : { annotations: Object.fromEntries(context.auditAnnotations) }),
  };
}

function urlOf(path: string, query: URLSearchParams): string {
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

function userInfo(user: User): object {
  return {
    username: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
  };
}

/** What proxies say comes first, the peer itself last. */
function sourcesOf(headers: RequestContext['request']['headers'], remoteAddress: string): string[] {
  const forwarded = (headers['x-forwarded-for'] ?? '').split(',').map((part) => part.trim());
  const real = headers['x-real-ip'] ?? '';
  const all = [...forwarded, real, remoteAddress].filter((address) => address !== '');
  return [...new Set(all)];
}

interface Metadata {
  readonly name?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

function referenceOf(info: RequestContext['info'] & { readonly isResource: true }, answer: unknown): object {
  const { name, uid, resourceVersion } = (answer as { metadata?: Metadata } | undefined)?.metadata ?? {};
  const reference = {
    resource: info.resource,
    namespace: info.namespace,
    // The name of what is created is in its body.
    name: info.name === '' && info.verb === 'create' ? (name ?? '') : info.name,
    uid: info.name === '' ? '' : (uid ?? ''),
    apiGroup: info.group,
    apiVersion: info.version,
    resourceVersion: info.name === '' ? '' : (resourceVersion ?? ''),
    subresource: info.subresource,
  };
  return Object.fromEntries(Object.entries(reference).filter(([, value]) => value !== ''));
}

/** The body of an answer as JSON; undefined for streams and bytes. */
export function answerObject(outcome: Outcome, omitManagedFields: boolean): unknown {
  switch (outcome.kind) {
    case 'object':
      return trimmed(objectIn(outcome.resource, outcome.object), omitManagedFields);
    case 'list':
      return {
        ...listHead(outcome),
        items: outcome.objects.map((object) => trimmed(objectIn(outcome.resource, object), omitManagedFields)),
      };
    case 'value':
      return trimmed(outcome.value, omitManagedFields);
    case 'bytes':
    case 'stream':
    case 'watch':
      return undefined;
  }
}

/** A request's body as JSON, whatever it came as. Undefined when it cannot be read: the request was refused for it. */
export function requestObjectOf(bytes: Uint8Array, contentType: string, omitManagedFields: boolean): unknown {
  if (bytes.length === 0) return undefined;
  try {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const value: unknown = isProtobuf(buffer)
      ? decodeProtobuf(buffer).object
      : contentType.includes('yaml')
        ? parse(buffer.toString('utf8'))
        : JSON.parse(buffer.toString('utf8'));
    return trimmed(value, omitManagedFields);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function trimmed(value: unknown, omitManagedFields: boolean): unknown {
  if (!omitManagedFields || typeof value !== 'object' || value === null) return value;
  const { metadata } = value as { metadata?: Record<string, unknown> };
  if (metadata?.['managedFields'] === undefined) return value;
  const rest = { ...metadata };
  delete rest['managedFields'];
  return { ...value, metadata: rest };
}
