import { RpcError } from '@bayplan/rpc';
import type { AuthConfig } from '@bayplan/rpc';

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
  /** A token to send as it is. */
  readonly registryToken: string;
  /** A refresh token, exchanged for access tokens. */
  readonly identityToken: string;
}

/** CRI's form of credentials; undefined when there are none. */
export function credentialsOf(auth: AuthConfig | undefined): RegistryCredentials | undefined {
  if (auth === undefined) return undefined;
  const { registryToken, identityToken } = auth;
  let { username, password } = auth;
  if (username === '' && auth.auth !== '') {
    const decoded = Buffer.from(auth.auth, 'base64').toString();
    const colon = decoded.indexOf(':');
    if (colon < 0) throw new RpcError('INVALID_ARGUMENT', 'The credentials of the registry are malformed');
    username = decoded.slice(0, colon);
    password = decoded.slice(colon + 1).replace(/\0+$/, '');
  }
  return username === '' && registryToken === '' && identityToken === '' ? undefined : { username, password, registryToken, identityToken };
}

/** Answers a registry's challenges (RFC 7235; Docker's token protocol) for one pull. */
export class RegistryAuth {
  readonly #credentials: RegistryCredentials | undefined;
  #header: string | undefined;

  constructor(credentials: RegistryCredentials | undefined) {
    this.#credentials = credentials;
    if (credentials?.registryToken) this.#header = `Bearer ${credentials.registryToken}`;
  }

  /** What to send with a request; undefined before a challenge was answered. */
  get header(): string | undefined {
    return this.#header;
  }

  /** Takes the `WWW-Authenticate` header of a refusal. Throws PERMISSION_DENIED when there is no answer to it. */
  async answer(challenge: string, repository: string, signal?: AbortSignal): Promise<void> {
    if (/^basic\b/i.test(challenge)) {
      if (!this.#credentials?.username) throw new RpcError('PERMISSION_DENIED', 'The registry wants a user name and password');
      this.#header = basic(this.#credentials);
      return;
    }
    if (!/^bearer\b/i.test(challenge))
      throw new RpcError('PERMISSION_DENIED', `The registry wants an unknown authentication: ${challenge}`);
    const parameters = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', text = '']) => [key, text]));
    this.#header = `Bearer ${await this.#fetchToken(parameters['realm'] ?? '', parameters['service'], parameters['scope'] ?? `repository:${repository}:pull`, signal)}`;
  }

  async #fetchToken(realm: string, service: string | undefined, scope: string, signal: AbortSignal | undefined): Promise<string> {
    const { request } = await import('undici');
    const url = new URL(realm);
    const query = new URLSearchParams({ scope, ...(service === undefined ? {} : { service }) });
    const identity = this.#credentials?.identityToken;
    if (!identity) for (const [key, value] of query) url.searchParams.append(key, value);
    const response = await request(url, {
      ...(identity
        ? {
            method: 'POST',
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: new URLSearchParams([
              ...query,
              ['grant_type', 'refresh_token'],
              ['refresh_token', identity],
              ['client_id', 'bayplan'],
            ]).toString(),
          }
        : this.#credentials?.username
          ? { headers: { authorization: basic(this.#credentials) } }
          : {}),
      ...(signal ? { signal } : {}),
    }).catch((cause: unknown) => {
      throw new RpcError('UNAVAILABLE', `Cannot reach ${url.host}`, { cause });
    });
    if (response.statusCode !== 200) {
      await response.body.dump();
      throw new RpcError(
        response.statusCode >= 500 ? 'UNAVAILABLE' : 'PERMISSION_DENIED',
        `${url.host} gave no token: ${response.statusCode}`,
      );
    }
    const body = (await response.body.json()) as { token?: unknown; access_token?: unknown };
    const token = body.token ?? body.access_token;
    if (typeof token !== 'string') throw new RpcError('PERMISSION_DENIED', `${url.host} answered without a token`);
    return token;
  }
}

function basic({ username, password }: RegistryCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
