import { readFile } from 'node:fs/promises';
import { ConfigError } from '../config/config-node.ts';
import { asymmetricAlgorithms } from './authentication-configuration.ts';
import type { JwtConfiguration } from './authentication-configuration.ts';
import type { OidcOptions } from './authentication-options.ts';

/** The one issuer of the `--oidc-*` flags as a configuration file would describe it. Throws `ConfigError`. */
export async function configurationOfFlags(flags: OidcOptions): Promise<JwtConfiguration> {
  const { issuerUrl, clientId, usernameClaim = 'sub', usernamePrefix = '', groupsClaim, groupsPrefix = '' } = flags;
  if (issuerUrl === '' || clientId === '')
    throw new ConfigError('oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set');
  if (!URL.canParse(issuerUrl) || new URL(issuerUrl).protocol !== 'https:')
    throw new ConfigError(`oidc-issuer-url: ${issuerUrl} is not an https URL`);
  const algorithms = flags.signingAlgorithms ?? ['RS256'];
  const unknown = algorithms.find((name) => !(asymmetricAlgorithms as readonly string[]).includes(name));
  if (unknown !== undefined) throw new ConfigError(`oidc-signing-algs: unsupported signing alg: ${JSON.stringify(unknown)}`);
  const prefix = usernamePrefix === '-' ? '' : usernamePrefix === '' && usernameClaim !== 'email' ? `${issuerUrl}#` : usernamePrefix;
  return {
    issuer: { url: issuerUrl, discoveryUrl: undefined, certificateAuthority: await certificates(flags.caFile), audiences: [clientId] },
    algorithms,
    username: { kind: 'claim', claim: usernameClaim, prefix },
    groups: groupsClaim === undefined ? undefined : { kind: 'claim', claim: groupsClaim, prefix: groupsPrefix },
    uid: undefined,
    extra: [],
    claimRules: (flags.requiredClaims ?? []).map((pair) => {
      const [claim = '', ...value] = pair.split('=');
      if (claim === '' || value.length === 0) throw new ConfigError(`oidc-required-claim: ${JSON.stringify(pair)} is not NAME=VALUE`);
      return { kind: 'claim', claim, requiredValue: value.join('=') };
    }),
    userRules: [],
  };
}

async function certificates(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ConfigError(`oidc-ca-file ${file} could not be read: ${(cause as Error).message}`, { cause });
  });
}
