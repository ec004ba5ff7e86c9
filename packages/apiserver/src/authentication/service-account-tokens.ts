import { unauthorized } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import { decodeJwt, jwtVerify } from 'jose';
import { authenticated } from '../chain/user.ts';
import type { Registry } from '../registry/registry.ts';
import type { ResourceCache } from '../registry/resource-cache.ts';
import type { AuthenticatedToken, TokenAuthenticator } from './authenticator.ts';
import type { ServiceAccountKeys } from './service-account-keys.ts';

interface BoundObject {
  readonly name: string;
  readonly uid: string;
}

/** The private claims of a ServiceAccount token. */
export interface KubernetesClaims {
  readonly namespace: string;
  readonly serviceaccount: BoundObject;
  readonly pod?: BoundObject;
  /** Without `uid` when the pod's Node did not exist as the token was made. */
  readonly node?: Omit<BoundObject, 'uid'> & { readonly uid?: string };
  readonly secret?: BoundObject;
  /** Seconds since the epoch: when a client that renews its token would have done so. */
  readonly warnafter?: number;
}

interface Claims {
  readonly aud: readonly string[];
  readonly expMs: number;
  readonly jti: string | undefined;
  readonly kubernetes: KubernetesClaims;
}

const maxKept = 2000;
/** A pod that is being deleted may still need the API for a moment. */
const deletedPodGraceMs = 60_000;

export interface ServiceAccountTokenOptions {
  readonly keys: ServiceAccountKeys;
  readonly issuer: string;
  /** What tokens must be meant for when the caller does not say. */
  readonly apiAudiences: readonly string[];
  readonly registry: Registry;
  readonly clock: Clock;
}

/** Checks ServiceAccount tokens: signature, time, audience, and that what they are bound to still exists. */
export class ServiceAccountTokens implements TokenAuthenticator {
  private readonly options: ServiceAccountTokenOptions;
  /** Tokens whose signature was found good. */
  private readonly verified = new Map<string, Claims>();

  constructor(options: ServiceAccountTokenOptions) {
    this.options = options;
  }

  async authenticate(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined> {
    const claims = this.verified.get(token) ?? (await this.verify(token));
    if (claims === undefined) return undefined;
    if (claims.expMs <= this.options.clock.now()) throw unauthorized();
    const wanted = audiences === undefined || audiences.length === 0 ? this.options.apiAudiences : audiences;
    const common = wanted.filter((audience) => claims.aud.includes(audience));
    if (common.length === 0) throw unauthorized();
    const { namespace, serviceaccount, pod, node, secret } = claims.kubernetes;
    await this.demand('serviceaccounts', namespace, serviceaccount);
    if (pod !== undefined) await this.demand('pods', namespace, pod);
    if (secret !== undefined) await this.demand('secrets', namespace, secret);
    // A pod's token names its node for the reader only: the pod is what it is bound to.
    if (node !== undefined && pod === undefined) await this.demand('nodes', '', { name: node.name, uid: node.uid ?? '' });
    const user = authenticated(
      `system:serviceaccount:${namespace}:${serviceaccount.name}`,
      ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
      { uid: serviceaccount.uid, extra: extraOf(claims) },
    );
    return { user, audiences: common };
  }

  private async verify(token: string): Promise<Claims | undefined> {
    const { keys, issuer, clock } = this.options;
    if (token.split('.').length !== 3 || issuerOf(token) !== issuer) return undefined;
    try {
      const { payload } = await jwtVerify(token, keys.publicKey, { issuer, algorithms: ['ES256'], currentDate: new Date(clock.now()) });
      const kubernetes = payload['kubernetes.io'] as KubernetesClaims | undefined;
      if (kubernetes?.serviceaccount === undefined) throw unauthorized();
      const aud = payload.aud === undefined ? [] : typeof payload.aud === 'string' ? [payload.aud] : payload.aud;
      const claims: Claims = { aud, expMs: (payload.exp ?? 0) * 1000, jti: payload.jti, kubernetes };
      if (this.verified.size >= maxKept) this.verified.clear();
      this.verified.set(token, claims);
      return claims;
    } catch (cause) {
      throw Object.assign(unauthorized(), { cause });
    }
  }

  /** Throws `Unauthorized` when the object is gone, is another of the same name, or has been dying for a while. */
  private async demand(resource: string, namespace: string, wanted: BoundObject): Promise<void> {
    const { cache } = this.options.registry.stored('', 'v1', resource).storage;
    await cache.start();
    if (this.isThere(cache, namespace, wanted)) return;
    await cache.fresh();
    if (!this.isThere(cache, namespace, wanted)) throw unauthorized();
  }

  private isThere(cache: ResourceCache, namespace: string, wanted: BoundObject): boolean {
    const object: KubeObject | undefined = cache.get(namespace, wanted.name)?.stored.object;
    if (object === undefined || object.metadata.uid !== wanted.uid) return false;
    const deletion = object.metadata.deletionTimestamp;
    return !deletion || Date.parse(deletion) + deletedPodGraceMs > this.options.clock.now();
  }
}

function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function extraOf(claims: Claims): Record<string, string[]> {
  const { pod, node } = claims.kubernetes;
  return {
    ...(claims.jti === undefined ? {} : { 'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`] }),
    ...(pod === undefined
      ? {}
      : { 'authentication.kubernetes.io/pod-name': [pod.name], 'authentication.kubernetes.io/pod-uid': [pod.uid] }),
    ...(node === undefined ? {} : { 'authentication.kubernetes.io/node-name': [node.name] }),
    ...(node?.uid === undefined ? {} : { 'authentication.kubernetes.io/node-uid': [node.uid] }),
  };
}
