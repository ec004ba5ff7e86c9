import { resources } from '@bayplan/api';
import type { Pod, ServiceAccountTokenProjection, AuthenticationV1TokenRequest } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import type { Clock } from '@bayplan/component-base';

/** Tokens of pods' service accounts, bound to the pod and renewed in time. */
export interface TokenSource {
  token(pod: Pod, source: ServiceAccountTokenProjection, signal: AbortSignal): Promise<string>;
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
    async token(pod, source, signal) {
      const uid = pod.metadata.uid ?? '';
      const ofPod = held.get(uid) ?? new Map<string, Held>();
      held.set(uid, ofPod);
      const key = `${source.audience ?? ''}\0${String(source.expirationSeconds ?? defaultLifetimeSeconds)}`;
      const present = ofPod.get(key);
      if (present !== undefined && clock.now() < present.renewAtMs) return present.token;
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
      const lifetimeMs = Math.max(0, expiresAtMs - clock.now());
      ofPod.set(key, { token, renewAtMs: clock.now() + Math.min(lifetimeMs * renewAfterShare, longestHeldMs) });
      return token;
    },
    forget(uid) {
      held.delete(uid);
    },
  };
}
