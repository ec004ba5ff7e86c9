import { isUnauthorized, unauthorized } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import { frontProxyName, identityOf } from '../aggregation/remote-identity.ts';
import type { ApiRequest } from '../http/request.ts';
import { anonymous, authenticated } from '../chain/user.ts';
import type { User } from '../chain/user.ts';

/** One way of proving who one is by a bearer token. */
export interface TokenAuthenticator {
  /** Undefined when the token is not of this kind. Throws `Unauthorized` when it is, but is not good. */
  authenticate(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined>;
}

export interface AuthenticatedToken {
  readonly user: User;
  /** The audiences that the token is good for, among those asked. */
  readonly audiences: readonly string[];
}

export interface AuthenticatorOptions {
  /** In order; asked for every request, because a configuration file may change them. */
  readonly tokens: () => readonly TokenAuthenticator[];
  readonly allowsAnonymous: (path: string) => boolean;
  readonly clock: Clock;
}

/** Certificate first, then bearer token, then anonymous. Throws `Unauthorized` for credentials that are shown but wrong. */
export class Authenticator {
  private readonly options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.options = options;
  }

  async authenticate(request: ApiRequest): Promise<User> {
    const { peer } = request;
    if (peer.kind === 'loopback') return authenticated(peer.identity.name, peer.identity.groups ?? []);
    if (peer.kind === 'certificate' && peer.commonName !== '' && peer.notAfterMs > this.options.clock.now()) {
      return authenticated(peer.commonName, peer.organizations, {
        extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${peer.fingerprint}`] },
      });
    }
    if (peer.kind === 'front-proxy' && peer.commonName === frontProxyName && peer.notAfterMs > this.options.clock.now()) {
      const found = identityOf(request);
      if (found !== undefined) return authenticated(found.name, found.groups, found);
    }
    const token = bearerToken(request.headers['authorization']) ?? webSocketToken(request.headers);
    if (token !== undefined) return (await this.authenticateToken(token)).user;
    if (peer.kind !== 'anonymous' || !this.options.allowsAnonymous(request.path)) throw unauthorized();
    return anonymous;
  }

  /** Throws `Unauthorized`, with what each authenticator said as its cause, when none takes the token. */
  async authenticateToken(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken> {
    const causes: unknown[] = [];
    for (const authenticator of this.options.tokens()) {
      try {
        const found = await authenticator.authenticate(token, audiences);
        if (found !== undefined) return found;
      } catch (error) {
        if (!isUnauthorized(error)) throw error;
        causes.push((error as Error).cause ?? error);
      }
    }
    throw Object.assign(unauthorized(), { cause: causes.length === 1 ? causes[0] : new AggregateError(causes) });
  }
}

function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const match = /^bearer +(\S+)$/i.exec(header.trim());
  return match?.[1];
}

const protocolPrefix = 'base64url.bearer.authorization.k8s.io.';

/** Browsers cannot set headers on a WebSocket, so the token may come as a subprotocol. */
function webSocketToken(headers: ApiRequest['headers']): string | undefined {
  if (headers['upgrade']?.toLowerCase() !== 'websocket') return undefined;
  const protocol = headers['sec-websocket-protocol']
    ?.split(',')
    .map((part) => part.trim())
    .find((part) => part.startsWith(protocolPrefix));
  return protocol === undefined ? undefined : Buffer.from(protocol.slice(protocolPrefix.length), 'base64url').toString('utf8');
}
