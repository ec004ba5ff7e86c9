import { resources } from '@bayplan/api';
import type { SubjectAccessReview, TokenReview } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import type { Clock } from '@bayplan/component-base';
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

export interface Caller {
  readonly name: string;
  readonly groups: readonly string[];
}

/** Decides who may use the node API: by client certificate, or by asking the API server about a bearer token. */
export interface NodeApiGuard {
  /** The caller, or undefined when nobody vouches for it. */
  identify(request: IncomingMessage, signal: AbortSignal): Promise<Caller | undefined>;
  allows(caller: Caller, verb: string, subresource: string, signal: AbortSignal): Promise<boolean>;
}

const tokenKeptMs = 120_000;
const allowedKeptMs = 300_000;
const deniedKeptMs = 30_000;
const mostKept = 1000;

export function createNodeApiGuard(client: Client, nodeName: string, clock: Clock): NodeApiGuard {
  const callers = new Map<string, { readonly caller: Caller | undefined; readonly untilMs: number }>();
  const verdicts = new Map<string, { readonly allowed: boolean; readonly untilMs: number }>();

  const byToken = async (token: string, signal: AbortSignal): Promise<Caller | undefined> => {
    const key = createHash('sha256').update(token).digest('base64');
    const known = callers.get(key);
    if (known !== undefined && clock.monotonic() < known.untilMs) return known.caller;
    const review: TokenReview = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token } };
    const { status } = await client.create(resources.tokenReviews, review, { signal });
    const caller = status?.authenticated === true ? { name: status.user?.username ?? '', groups: status.user?.groups ?? [] } : undefined;
    remember(callers, key, { caller, untilMs: clock.monotonic() + tokenKeptMs });
    return caller;
  };

  return {
    async identify(request, signal) {
      const { socket } = request;
      if (socket instanceof TLSSocket && socket.authorized) {
        const subject = socket.getPeerCertificate().subject as { readonly CN?: unknown; readonly O?: unknown } | undefined;
        if (typeof subject?.CN === 'string') return { name: subject.CN, groups: [subject.O ?? []].flat().map(String) };
      }
      const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
      return token === undefined ? undefined : byToken(token, signal);
    },
    async allows(caller, verb, subresource, signal) {
      if (caller.groups.includes('system:masters')) return true;
      const key = JSON.stringify([caller.name, caller.groups, verb, subresource]);
      const known = verdicts.get(key);
      if (known !== undefined && clock.monotonic() < known.untilMs) return known.allowed;
      const review: SubjectAccessReview = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        metadata: {},
        spec: {
          user: caller.name,
          groups: [...caller.groups],
          resourceAttributes: { verb, group: '', version: 'v1', resource: 'nodes', subresource, name: nodeName },
        },
      };
      const { status } = await client.create(resources.subjectAccessReviews, review, { signal });
      const allowed = status?.allowed === true;
      remember(verdicts, key, { allowed, untilMs: clock.monotonic() + (allowed ? allowedKeptMs : deniedKeptMs) });
      return allowed;
    },
  };
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > mostKept && oldest !== undefined) map.delete(oldest);
}

/** The verb and the part of `nodes` that a request needs, as Kubernetes maps them. */
export function accessOf(method: string, path: string): { readonly verb: string; readonly subresource: string } {
  const verbs: Readonly<Record<string, string>> = {
    GET: 'get',
    HEAD: 'get',
    POST: 'create',
    PUT: 'update',
    PATCH: 'patch',
    DELETE: 'delete',
  };
  const under = (prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);
  const subresource = under('/stats') ? 'stats' : under('/metrics') ? 'metrics' : under('/logs') ? 'log' : 'proxy';
  return { verb: verbs[method] ?? 'get', subresource };
}
