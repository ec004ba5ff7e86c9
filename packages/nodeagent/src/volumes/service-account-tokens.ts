import { resources } from '@bayplan/api';
import type { Pod, ServiceAccountTokenProjection, AuthenticationV1TokenRequest } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import type { Clock } from '@bayplan/component-base';

/** Tokens of pods' service accounts, bound to the pod and renewed in time. */
export interface TokenSource {
  /** @param present the token that is in the volume already, if any: one from before a restart of the agent goes on being used. */
  token(pod: Pod, source: ServiceAccountTokenProjection, present: () => Promise<string | undefined>, signal: AbortSignal): Promise<string>;
  /** Drops the tokens of a pod. */
  forget(uid: string): void;
}

interface Held {
  readonly token: string;
  readonly renewAtMs: number;
}

const defaultLifetimeSeconds = 3600;
const longestHeldMs = 24 * 60 * 60 * 1000;
/** A token is renewed when it has lived this share of its time. Source: documented behaviour of bound tokens. */
const renewAfterShare = 0.8;

export function createTokenSource(client: Client, clock: Clock): TokenSource {
  const held = new Map<string, Map<string, Held>>();
  return {
    async token(pod, source, inVolume, signal) {
      const uid = pod.metadata.uid ?? '';
      const ofPod = held.get(uid) ?? new Map<string, Held>();
      held.set(uid, ofPod);
      const key = `${source.audience ?? ''}\0${String(source.expirationSeconds ?? defaultLifetimeSeconds)}`;
      const present = ofPod.get(key);
      if (present !== undefined && clock.now() < present.renewAtMs) return present.token;
      const earlier = present === undefined ? await inVolume() : undefined;
      const earlierTimes = earlier === undefined ? undefined : tokenTimes(earlier);
      if (earlier !== undefined && earlierTimes !== undefined && clock.now() < renewalTime(earlierTimes)) {
        ofPod.set(key, { token: earlier, renewAtMs: renewalTime(earlierTimes) });
        return earlier;
      }
      const account = { namespace: pod.metadata.namespace ?? '', name: pod.spec?.serviceAccountName || 'default' };
      const request: AuthenticationV1TokenRequest = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        metadata: {},
        spec: {
          audiences: source.audience ? [source.audience] : [],
          expirationSeconds: source.expirationSeconds ?? defaultLifetimeSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name ?? '', uid },
        },
      };
      const answer = await client.createSubresource(resources.serviceAccounts, account, 'token', request, { signal });
      const token = answer.status?.token ?? '';
      if (token === '') throw new Error('the API server answered a token request without a token');
      const expiresAtMs = Date.parse(answer.status?.expirationTimestamp ?? '') || clock.now() + defaultLifetimeSeconds * 1000;
      ofPod.set(key, { token, renewAtMs: renewalTime({ issuedAtMs: clock.now(), expiresAtMs }) });
      return token;
    },
    forget(uid) {
      held.delete(uid);
    },
  };
}

interface TokenTimes {
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

function renewalTime({ issuedAtMs, expiresAtMs }: TokenTimes): number {
  return issuedAtMs + Math.min(Math.max(0, expiresAtMs - issuedAtMs) * renewAfterShare, longestHeldMs);
}

/** When a token was issued and expires; undefined when it does not say, or is no JSON web token. */
export function tokenTimes(token: string): TokenTimes | undefined {
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  } catch {
    return undefined;
  }
  if (typeof claims !== 'object' || claims === null || !('iat' in claims) || !('exp' in claims)) return undefined;
  const { iat, exp } = claims;
  return typeof iat === 'number' && typeof exp === 'number' ? { issuedAtMs: iat * 1000, expiresAtMs: exp * 1000 } : undefined;
}
