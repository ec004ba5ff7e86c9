import { unauthorized } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import { decodeJwt, jwtVerify } from 'jose';
import type { AuthenticatedToken, TokenAuthenticator } from './authenticator.ts';
import type { JwtConfiguration } from './authentication-configuration.ts';
import { userOfClaims } from './jwt-claims.ts';
import type { JwtKeys } from './jwt-keys.ts';

/** Of clocks that differ, for `nbf` only. */
const notBeforeLeewayMs = 5 * 60_000;
const maxKept = 2_000;
/** A good token is believed for this long before it is checked again. */
const keptMs = 10_000;

export interface JwtAuthenticatorOptions {
  readonly config: JwtConfiguration;
  /** The audiences of this API server: what a good token counts for. */
  readonly apiAudiences: readonly string[];
  readonly keys: JwtKeys;
  readonly clock: Clock;
}

/** Tokens of one issuer outside the cluster. */
export class JwtAuthenticator implements TokenAuthenticator {
  private readonly options: JwtAuthenticatorOptions;
  private readonly kept = new Map<string, { readonly found: AuthenticatedToken; readonly untilMs: number }>();

  constructor(options: JwtAuthenticatorOptions) {
    this.options = options;
  }

  get issuer(): string {
    return this.options.config.issuer.url;
  }

  /** Why no token of this issuer can be checked now; undefined when they can. */
  get unhealthy(): Error | undefined {
    return this.options.keys.unhealthy;
  }

  async authenticate(token: string, audiences: readonly string[] = []): Promise<AuthenticatedToken | undefined> {
    if (issuerOf(token) !== this.issuer) return undefined;
    const { apiAudiences, clock, config } = this.options;
    const common = audiences.length === 0 ? apiAudiences : audiences.filter((audience) => apiAudiences.includes(audience));
    if (common.length === 0) return undefined;
    const kept = this.kept.get(token);
    if (kept !== undefined && kept.untilMs > clock.now()) return { ...kept.found, audiences: common };
    try {
      const claims = await this.verify(token);
      const found = { user: userOfClaims(config, claims), audiences: common };
      if (this.kept.size >= maxKept) this.kept.clear();
      this.kept.set(token, { found, untilMs: Math.min(clock.now() + keptMs, (claims.exp ?? 0) * 1000) });
      return found;
    } catch (cause) {
      throw Object.assign(unauthorized(), { cause });
    }
  }

  private async verify(token: string) {
    const { clock, config, keys } = this.options;
    const { payload } = await jwtVerify(token, keys.resolve, {
      issuer: [this.issuer, ...(this.issuer === 'https://accounts.google.com' ? ['accounts.google.com'] : [])],
      audience: [...config.issuer.audiences],
      algorithms: [...config.algorithms],
      requiredClaims: ['exp'],
      currentDate: new Date(clock.now()),
      clockTolerance: notBeforeLeewayMs / 1000,
    });
    // The tolerance is meant for `nbf`: expired is expired.
    if ((payload.exp ?? 0) * 1000 <= clock.now()) throw new Error('oidc: token is expired');
    return payload;
  }
}

function issuerOf(token: string): string | undefined {
  if (token.split('.').length !== 3) return undefined;
  try {
    const { iss } = decodeJwt(token);
    return iss === 'accounts.google.com' ? 'https://accounts.google.com' : iss;
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
