import { jwks } from '../authentication/service-account-keys.ts';
import type { Outcome } from '../chain/outcome.ts';
import type { ServerParts } from '../server-parts.ts';

/** What lets others check ServiceAccount tokens: the issuer's OpenID configuration and its keys. */
export function serviceAccountIssuer(parts: ServerParts, path: string): Outcome | undefined {
  const headers = { 'cache-control': 'public, max-age=3600' };
  switch (path) {
    case '/.well-known/openid-configuration': {
      const configuration = {
        issuer: parts.settings.issuer,
        jwks_uri:
          parts.settings.jwksUri ?? `https://${parts.settings.advertiseAddress}:${(parts.options.port ?? 6443).toString()}/openid/v1/jwks`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      };
      return { kind: 'bytes', status: 200, contentType: 'application/json', bytes: Buffer.from(JSON.stringify(configuration)), headers };
    }
    case '/openid/v1/jwks':
      return {
        kind: 'bytes',
        status: 200,
        contentType: 'application/jwk-set+json',
        bytes: Buffer.from(JSON.stringify(jwks(parts.serviceAccountKeys))),
        headers,
      };
    default:
      return undefined;
  }
}
