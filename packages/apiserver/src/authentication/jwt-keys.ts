import type { Clock, Logger } from '@bayplan/component-base';
import { createLocalJWKSet } from 'jose';
import type { CryptoKey, JSONWebKeySet, JWTVerifyGetKey, KeyObject } from 'jose';
import { JsonCaller } from '../config/json-call.ts';
import type { IssuerConfiguration } from './issuer-configuration.ts';

const callTimeoutMs = 30_000;
/** Between two attempts at a provider that does not answer. */
const retryMs = 10_000;
/** A token that names an unknown key makes us fetch, at most this often. */
const refreshMs = 1_000;

interface Found {
  readonly jwksUrl: URL;
  readonly keys: JWTVerifyGetKey;
  readonly fetchedMs: number;
}

/** The signing keys of one issuer: found by discovery, kept, and fetched again when a token names a key that is not among them. */
export class JwtKeys {
  private readonly issuer: IssuerConfiguration;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly caller: JsonCaller;
  private found: Found | undefined;
  private fetching: Promise<Found> | undefined;
  private failedMs = Number.NEGATIVE_INFINITY;
  private lastError: Error | undefined;
  private timer: { cancel(): void } | undefined;
  private closed = false;

  constructor(issuer: IssuerConfiguration, clock: Clock, logger: Logger) {
    this.issuer = issuer;
    this.clock = clock;
    this.logger = logger;
    const ca = issuer.certificateAuthority;
    this.caller = new JsonCaller({ insecure: false, ...(ca === undefined ? {} : { ca }) });
  }

  /** Finds the keys in the background, again and again until the provider answers. */
  start(): void {
    this.fetch().catch((error: unknown) => {
      if (this.closed) return;
      this.logger.error('Token issuer could not be reached', { err: error, issuer: this.issuer.url });
      this.timer = this.clock.after(retryMs, () => this.start(), { unref: true });
    });
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
    this.caller.close();
  }

  /** Why tokens of this issuer cannot be checked; undefined when they can. */
  get unhealthy(): Error | undefined {
    return this.found === undefined ? (this.lastError ?? new Error('not initialized')) : undefined;
  }

  /** For jose: the key that a token's header names. Throws when the provider does not have it. */
  readonly resolve: JWTVerifyGetKey = async (header, token): Promise<CryptoKey | KeyObject | Uint8Array> => {
    const found = this.found ?? (await this.fetchUnlessFailed());
    try {
      return (await found.keys(header, token)) as CryptoKey;
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_JWKS_NO_MATCHING_KEY' || this.clock.monotonic() - found.fetchedMs < refreshMs)
        throw error;
      const fresh = await this.fetchUnlessFailed();
      return (await fresh.keys(header, token)) as CryptoKey;
    }
  };

  private fetchUnlessFailed(): Promise<Found> {
    if (this.fetching === undefined && this.lastError !== undefined && this.clock.monotonic() - this.failedMs < refreshMs)
      return Promise.reject(
        this.found === undefined ? new Error('oidc: authenticator not initialized', { cause: this.lastError }) : this.lastError,
      );
    return this.fetch();
  }

  private fetch(): Promise<Found> {
    this.fetching ??= this.load()
      .then(
        (found) => {
          this.lastError = undefined;
          return (this.found = found);
        },
        (error: unknown) => {
          this.failedMs = this.clock.monotonic();
          this.lastError = error as Error;
          throw error;
        },
      )
      .finally(() => (this.fetching = undefined));
    return this.fetching;
  }

  private async load(): Promise<Found> {
    const jwksUrl = this.found?.jwksUrl ?? (await this.discover());
    const document = (await this.caller.get(jwksUrl, callTimeoutMs)) as JSONWebKeySet;
    return { jwksUrl, keys: createLocalJWKSet(document), fetchedMs: this.clock.monotonic() };
  }

  private async discover(): Promise<URL> {
    const { url, discoveryUrl } = this.issuer;
    const address = new URL(discoveryUrl ?? `${url.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const document = (await this.caller.get(address, callTimeoutMs)) as { issuer?: unknown; jwks_uri?: unknown };
    if (document.issuer !== url)
      throw new Error(
        `oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(url)} got ${JSON.stringify(document.issuer)}`,
      );
    if (typeof document.jwks_uri !== 'string') throw new Error('provider did not return JWKS URL');
    const jwksUrl = new URL(document.jwks_uri);
    if (jwksUrl.protocol !== 'https:') throw new Error(`oidc: the provider's keys are not served by https: ${document.jwks_uri}`);
    return jwksUrl;
  }
}
